"""Whether a model looks where it should, with error bars."""

from vlmscope.evaluation.heads import verify_heads
from vlmscope.evaluation.metrics import (
    accuracy_at,
    box_iou,
    ciou,
    contains,
    enrichment,
    giou,
    intersection_union,
    mask_iou,
    mean_over_images,
)

__all__ = [
    "accuracy_at",
    "box_iou",
    "ciou",
    "contains",
    "enrichment",
    "giou",
    "intersection_union",
    "mask_iou",
    "mean_over_images",
    "verify_heads",
]
