"""How a served model is explained."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.analysis.faithfulness.options import FILLS
from vlmscope.errors import BadOptionError
from vlmscope.options import CheckedOptions, option

__all__ = ["WAYS", "ExplainOptions"]

WAYS = ("prompt-logprobs", "prefilled", "leading-tokens")
"""How the answer's log-probabilities are had, the most exact first (:mod:`.ways`)."""


@dataclass(frozen=True)
class ExplainOptions(CheckedOptions):
    """What is hidden of the picture, and how the answer is followed."""

    grid: int = option(
        8, "cells along the longer side of the picture", at_least=2, at_most=64, whole=True
    )
    windows: str = option(
        "1", "sides of the windows that are hidden, in cells, with commas; several: their mean"
    )
    fill: str = option(
        "grey",
        "what is hidden has the picture's mean colour (grey) or is blurred (blur)",
        choices=FILLS,
    )
    follow: str = option(
        "sum",
        "the map holds the drop of the summed or of the mean log-probability of the answer's tokens",
        choices=("sum", "mean"),
    )
    word: str | None = option(
        None,
        "a word or phrase of the answer whose tokens are followed (default: all of the answer)",
    )
    way: str = option(
        "auto",
        "how the answer's log-probabilities are had; auto: the first that the endpoint can do",
        choices=("auto", *WAYS),
    )
    curves: bool = option(
        True, "insertion and deletion curves of the map, beside those of a random order"
    )
    steps: int = option(
        10, "curves: steps from the whole picture to none of it", at_least=2, whole=True
    )
    draws: int = option(
        2, "curves: random orders, of which the mean is beside the map", at_least=1, whole=True
    )
    side: int | None = option(
        None,
        "the longer side of the picture that is sent, in pixels (default: as it is)",
        at_least=16,
        whole=True,
        optional=True,
    )
    top: int = option(
        20,
        "likeliest tokens that are asked for at each place",
        at_least=1,
        at_most=1000,
        whole=True,
    )
    max_new_tokens: int = option(32, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of the random order and of the endpoint", at_least=0, whole=True)

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the windows in cells, each once, ascending.

        Raises:
            BadOptionError: none, one that is no whole number from 1, or one as large as the picture.
        """
        parts = [part.strip() for part in self.windows.split(",") if part.strip()]
        sides = sorted({int(part) for part in parts if part.isascii() and part.isdigit()})
        if len(parts) == 0 or not all(part.isascii() and part.isdigit() for part in parts):
            sides = []
        if not sides or sides[0] < 1 or sides[-1] >= self.grid:
            raise BadOptionError(
                f"windows are whole numbers from 1 to {self.grid - 1} (cells, less than the grid), with "
                f"commas, got {self.windows!r}."
            )
        return tuple(sides)
