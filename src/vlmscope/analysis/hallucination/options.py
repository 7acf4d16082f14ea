"""How mentions of objects are looked into."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.analysis.tokens import TokenOptions
from vlmscope.options import CheckedOptions, option

__all__ = ["HallucinationOptions"]


@dataclass(frozen=True)
class HallucinationOptions(CheckedOptions):
    """Which layers are read, how many patches are looked into, and how much noise is added."""

    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int | None = option(
        None,
        "longest answer, in tokens (default: the set's)",
        at_least=1,
        whole=True,
        optional=True,
    )
    first_layer: int | None = option(
        None,
        "first layer that is read (default: a quarter of the depth)",
        at_least=0,
        whole=True,
        optional=True,
    )
    last_layer: int | None = option(
        None,
        "last layer that is read (default: three quarters of the depth)",
        at_least=0,
        whole=True,
        optional=True,
    )
    patches: float = option(
        0.1,
        "share of the image tokens that count as attended, one token at least",
        at_least=0.0,
        at_most=1.0,
    )
    noise: float = option(
        0.0, "standard deviation of noise added to the pictures, of 255", at_least=0.0
    )
    blur: float = option(
        0.0,
        "standard deviation of a blur of the pictures, before the noise, in pixels",
        at_least=0.0,
    )
    seed: int = option(
        0, "of the noise, the random patches and the bootstraps", at_least=0, whole=True
    )

    batch: int = option(
        4,
        "how many images are read into the cache side by side; signs differ in their last digits",
        at_least=1,
        whole=True,
    )

    def reading(self, room: int) -> TokenOptions:
        """The same for the passes of token grounding; ``room``: tokens that an answer may take."""
        return TokenOptions(
            preset=self.preset,
            placement=self.placement,
            max_new_tokens=self.max_new_tokens or room,
            first_layer=self.first_layer,
            last_layer=self.last_layer,
        )
