"""A number with its interval and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vlmscope.stats import Interval

__all__ = ["Score"]


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes:
        metric: its name, for example ``"pointing"`` or ``"mIoU"``.
        interval: value with its bootstrap interval over images; None when there was no sample.
        n: how many samples it is made of.
        unit: what a sample is: ``"pairs"``, ``"pixels"`` ...
        images: on how many images they are.
        detail: JSON values, such as the IoU of each class.
    """

    metric: str
    interval: Interval | None
    n: int
    unit: str
    images: int
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return "-" if self.interval is None else str(self.interval)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        value, low, high = self.interval or (None, None, None)
        record = {"value": value, "low": low, "high": high, "n": self.n, "unit": self.unit}
        return {**record, "images": self.images, **self.detail}
