"""How faithfulness is measured."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.options import CheckedOptions, option

__all__ = ["FILLS", "FORMS", "FaithfulnessOptions"]

FORMS = ("tokens", "pixels")
"""What a removed region loses: the text may not read its image tokens, or its pixels are painted over."""

FILLS = ("grey", "blur")


@dataclass(frozen=True)
class FaithfulnessOptions(CheckedOptions):
    """What is removed, in how many steps, and whose probability is followed."""

    form: str = option(
        "tokens",
        "the text may not read the removed image tokens (tokens), removed regions are painted over "
        "(pixels), or both, and how far they agree",
        choices=(*FORMS, "both"),
    )
    steps: int = option(20, "steps from the whole image to none of it", at_least=2, whole=True)
    fill: str = option(
        "grey",
        "pixels: a removed region has the picture's mean colour (grey) or is blurred (blur)",
        choices=FILLS,
    )
    word: str | None = option(
        None,
        "a word or phrase of the answer whose tokens are followed (default: all of the answer)",
    )
    batch: int = option(8, "pixels: pictures of one pass", at_least=1, whole=True)
    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(32, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(
        0, "of the random order, of ties and of the intervals", at_least=0, whole=True
    )

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms that are run."""
        return FORMS if self.form == "both" else (self.form,)
