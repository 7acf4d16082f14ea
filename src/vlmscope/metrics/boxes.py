"""Boxes as metrics take them: checked, with Generalised IoU and their centre."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vlmscope.errors import BadSampleError
from vlmscope.types import Box, box_areas

__all__ = ["centre_of", "checked_box", "generalised_iou"]


def checked_box(box: Sequence[float], name: str) -> Box:
    """A box as plain floats; one without width or height is a box.

    Args:
        box: (x0, y0, x1, y1) in pixels of the original image.
        name: what the box is, for the message.

    Raises:
        BadSampleError: not four finite numbers, or an edge before the one it belongs after.
    """
    values = tuple(float(value) for value in box)
    if len(values) != 4 or not all(map(math.isfinite, values)):
        raise BadSampleError(
            f"The {name} must be four finite numbers (x0, y0, x1, y1), got {_shown(values)}. "
            "Pass None, or leave it out, where there is no box."
        )
    x0, y0, x1, y1 = values
    if x1 < x0 or y1 < y0:
        raise BadSampleError(
            f"The {name} must have x0 <= x1 and y0 <= y1, got {_shown(values)}. "
            "A box written as (x, y, width, height) has to be converted first."
        )
    return x0, y0, x1, y1


def generalised_iou(one: Box, two: Box) -> float:
    """Generalised IoU of two boxes, -1..1: their IoU less the share of their hull that neither fills.

    Rezatofighi et al. 2019, algorithm 1. NOT the gIoU of referring segmentation, which
    is a mean of IoUs. 0 where the
    hull has no area.

    Args:
        one, two: xyxy float pixels.
    """
    inside, union = box_areas(one, two)
    hull = (max(one[2], two[2]) - min(one[0], two[0])) * (max(one[3], two[3]) - min(one[1], two[1]))
    product = hull * union
    if product > 0:  # one rounding alone, so that ties at a threshold are ties
        return (inside * hull - (hull - union) * union) / product
    return -1.0 if hull > 0 else 0.0


def centre_of(box: Box) -> tuple[float, float]:
    """(x, y) of a box's centre in float pixels."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _shown(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"
