"""Pointing: whether a point lies on the object (docs/evaluation.md, Metrics)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.types import Box

__all__ = ["contains"]


def contains(target: Box | NDArray[np.bool_], point: tuple[float, float] | None) -> bool:
    """Pointing: whether (x, y) in float pixels lies in a box (far edges exclusive) or on a mask."""
    if point is None:
        return False
    x, y = point
    if isinstance(target, np.ndarray):
        height, width = target.shape
        return 0 <= x < width and 0 <= y < height and bool(target[int(y), int(x)])
    return bool(target[0] <= x < target[2] and target[1] <= y < target[3])
