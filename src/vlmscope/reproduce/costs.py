"""What a step costs, counted before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

__all__ = ["COLUMNS", "Cost", "cost_rows"]

COLUMNS = ("step", "sentences", "images", "passes", "image tokens")
"""Of a table of costs."""


@dataclass(frozen=True)
class Cost:
    """Counts; of a step whose images are known, exact but for the image tokens.

    Attributes:
        sentences: that are read.
        images: that are opened.
        passes: runs of the whole image through the decoder; sentences that share one count once.
        image_tokens: that pass through the decoder in these, from the first images' mean where
            their number depends on the image.
    """

    sentences: int = 0
    images: int = 0
    passes: int = 0
    image_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """All of them together."""
        return sum(costs, cls())

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def cost_rows(costs: Sequence[tuple[str, Cost]]) -> list[tuple[str, ...]]:
    """Cells under :data:`COLUMNS`: a row per step, and their sum."""
    whole = [*costs, ("all", Cost.total(cost for _, cost in costs))]
    return [(title, *(f"{number:,}" for number in astuple(cost))) for title, cost in whole]
