"""Boxes and labels on original pixels, and the arithmetic of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BACKGROUND", "MAX_CLASSES", "Box", "box_areas", "box_iou", "tight_box"]

BACKGROUND = 65_535
"""The label of a pixel that belongs to none of the classes."""

MAX_CLASSES = BACKGROUND
"""How many classes labels can tell apart: they are uint16, and one value is the background."""

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in float pixels of the original image; x1 and y1 are exclusive edges."""


def box_iou(one: Box | None, two: Box | None) -> float:
    """Intersection over union of two boxes, xyxy float pixels, 0..1; 0 where one is missing."""
    if one is None or two is None:
        return 0.0
    inside, union = box_areas(one, two)
    return inside / union if union > 0 else 0.0


def box_areas(one: Box, two: Box) -> tuple[float, float]:
    """Square pixels in both of two boxes, xyxy float pixels, and in either."""
    width = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    height = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    inside = width * height
    return inside, _area(one) + _area(two) - inside


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def tight_box(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box around a mask, xyxy in its own pixels, far edges exclusive.

    Args:
        mask: bool (height, width).

    Returns:
        None where the mask is empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
