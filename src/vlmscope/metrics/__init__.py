"""Metrics with their exact definitions (docs/evaluation.md); every score with its interval.

``vlmscope.metrics.roc_auc`` is the module; its function is imported from there.
"""

from vlmscope.metrics.enrichment import enrichment
from vlmscope.metrics.masks import ciou, giou, intersection_union, mask_iou
from vlmscope.metrics.means import accuracy_at, mean_over_images
from vlmscope.metrics.pointing import contains
from vlmscope.types import box_iou

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
]
