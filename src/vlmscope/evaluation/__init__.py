"""Whether a model looks where it should, with error bars."""

from vlmscope.evaluation.calibration import Setting, calibrate_post
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
    "Setting",
    "accuracy_at",
    "box_iou",
    "calibrate_post",
    "ciou",
    "contains",
    "enrichment",
    "giou",
    "intersection_union",
    "mask_iou",
    "mean_over_images",
    "verify_heads",
]
