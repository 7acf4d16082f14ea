"""Whether a model looks where it should, with error bars."""

from vlmscope.evaluation.calibration import Setting, calibrate_post
from vlmscope.evaluation.datasets import open_dataset
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
from vlmscope.evaluation.report import write_report
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.runs import choose

__all__ = [
    "Setting",
    "accuracy_at",
    "box_iou",
    "calibrate_post",
    "choose",
    "ciou",
    "contains",
    "enrichment",
    "evaluate",
    "giou",
    "intersection_union",
    "mask_iou",
    "mean_over_images",
    "open_dataset",
    "verify_heads",
    "write_report",
]
