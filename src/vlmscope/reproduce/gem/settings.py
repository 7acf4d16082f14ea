"""How the images are seen, and how finely scored."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.options import CheckedOptions, option

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings(CheckedOptions):
    """How the claims are put to the test."""

    side: int = option(
        448,
        "every image is squashed to a square of so many pixels (448: the paper's; 0: the side that "
        "the tower was trained on)",
        at_least=0,
        whole=True,
    )
    pixel_step: int = option(
        2,
        "score every so many-th pixel in both directions (1: all of them, as eval does)",
        at_least=1,
        whole=True,
    )
    seed: int = option(0, "of intervals", at_least=0, whole=True)
