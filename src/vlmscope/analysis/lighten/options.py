"""How a sweep of lighter passes is measured, and what is chosen from it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from vlmscope.attention import WAYS
from vlmscope.errors import BadOptionError
from vlmscope.options import CheckedOptions, option

__all__ = ["LightenOptions"]

_OF_SHARES = ("layers", "shares", "by")


@dataclass(frozen=True)
class LightenOptions(CheckedOptions):
    """How a sweep over layers and shares, or over windows of layers, is measured and chosen from."""

    layers: str = option(
        "", "layers behind which image tokens leave, 0,2,4 (default: all but the last)"
    )
    shares: str = option(
        "0.1,0.25,0.5", "shares of the image tokens that stay, each between 0 and 1"
    )
    by: str = option("attention", "which tokens stay in the setting that is chosen", choices=WAYS)
    read: str = option(
        "",
        "in place of layers and shares: text reads the image in a window of layers only, 1-3, or which "
        "of several, 0-1,1-3, or of all windows, all",
    )
    tolerance: float = option(
        0.05,
        "most probability per token of the answer that the chosen setting may lose",
        at_least=0,
        at_most=1,
    )
    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(
        32,
        "longest answer, in tokens, of samples that do not bring their own",
        at_least=1,
        whole=True,
    )
    seed: int = option(0, "of the random tokens", at_least=0, whole=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        defaults = {each.name: each.default for each in fields(self)}
        also = [name for name in _OF_SHARES if getattr(self, name) != defaults[name]]
        if self.read.strip() and also:
            raise BadOptionError(
                f"The option read is in place of layers and shares, got {', '.join(also)} as well. Leave "
                "one or the other out."
            )
