"""What a paper claims, in a form that a measurement can agree with or not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["DIRECTIONS", "Claim"]

DIRECTIONS = ("higher", "lower", "either")
"""Which side of the published value speaks for the claim, see :attr:`Claim.direction`."""


@dataclass(frozen=True)
class Claim:
    """One number, or one range of numbers, of a paper.

    Attributes:
        id: unique within the paper, such as ``rec-refcoco-val-llava-1.5-7b``.
        sentence: what is claimed.
        source: the paper and the table, figure or section in it.
        low, high: the published value twice, in the scale of scores (a share is 0..1, not per cent);
            or the ends of a range, infinite where it is open; both infinite: no number is published.
        unit: ``%`` (shown times 100) or a word such as ``x`` or ``nats``; empty for a bare number.
        measured_by: exactly what is measured for it, in a sentence.
        models: ids of the models that it is made of; empty: of any, for it is stated by relative depth.
        dataset: id and split of the data set that it is made on, such as ``refcoco val``; empty: of
            any, for it is about an order, not about a value.
        direction: ``higher``: the claim is that it is so high, so only a measurement below speaks
            against it; ``lower``: only one above; ``either``: both.
    """

    id: str
    sentence: str
    source: str
    low: float
    high: float
    unit: str
    measured_by: str
    models: tuple[str, ...]
    dataset: str
    direction: str = "higher"

    @property
    def is_range(self) -> bool:
        """Whether a range is claimed, not a value."""
        return self.low != self.high

    @property
    def has_number(self) -> bool:
        """Whether there is anything to hold a measurement against."""
        return not (math.isinf(self.low) and math.isinf(self.high))

    @property
    def published(self) -> str:
        """The published value as it is shown: ``86.5%``, ``0.3 to 0.6``, ``at least 0``."""
        if not self.has_number:
            return "no number"
        if not self.is_range:
            return self.shown(self.low)
        if math.isinf(self.high):
            return f"at least {self.shown(self.low)}"
        if math.isinf(self.low):
            return f"at most {self.shown(self.high)}"
        return f"{self.shown(self.low)} to {self.shown(self.high)}"

    def shown(self, value: float) -> str:
        """A value in the claim's unit."""
        if self.unit == "%":
            return f"{100 * value:.1f}%"
        return f"{value:.4g} {self.unit}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """JSON values; an open end is null."""
        ends = [None if math.isinf(value) else value for value in (self.low, self.high)]
        return {
            "id": self.id,
            "sentence": self.sentence,
            "source": self.source,
            "published": ends if self.is_range else self.low,
            "unit": self.unit,
            "direction": self.direction,
            "measured_by": self.measured_by,
            "models": list(self.models),
            "dataset": self.dataset,
        }
