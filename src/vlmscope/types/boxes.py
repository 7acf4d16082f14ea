"""Arithmetic of boxes."""

from __future__ import annotations

from vlmscope.types.grounding import Box

__all__ = ["box_iou"]


def box_iou(one: Box | None, two: Box | None) -> float:
    """Intersection over union of two boxes, xyxy float pixels, 0..1; 0 where one is missing."""
    if one is None or two is None:
        return 0.0
    width = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    height = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    inside = width * height
    union = _area(one) + _area(two) - inside
    return inside / union if union > 0 else 0.0


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
