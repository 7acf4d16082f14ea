"""Claims and measurements for tests, written by hand."""

from __future__ import annotations

from typing import Any

from vlmscope.metrics import Score
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.measurements import Measurement
from vlmscope.stats import Interval


def claim(low: float, high: float | None = None, **changes: Any) -> Claim:
    """A claim of 'model' on 'refcoco val'."""
    values = {
        "id": "one",
        "sentence": "It finds most of them",
        "source": "Somebody 2025, Table 1",
        "unit": "%",
        "measured_by": "Acc@0.5",
        "models": ("model",),
        "dataset": "refcoco val",
    }
    return Claim(low=low, high=low if high is None else high, **{**values, **changes})


def measurement(low: float, high: float, **changes: Any) -> Measurement:
    """A score with this interval, of 'model' on 'refcoco val'."""
    score = Score("Acc@0.5", Interval((low + high) / 2, low, high), 40, "sentences", 8)
    values = {"score": score, "model": "model", "dataset": "refcoco val"}
    return Measurement(**{**values, **changes})
