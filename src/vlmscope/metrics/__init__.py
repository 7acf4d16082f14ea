"""Metrics with their exact definitions (docs/evaluation.md); every score with its interval.

Each class but ``Score`` and ``Threshold`` makes one small record of a sentence, a question or a class
(``record``), and scores of any number of records (``scores``).
"""

from vlmscope.metrics.absent import Absent
from vlmscope.metrics.chair import Chair
from vlmscope.metrics.enrichment import enrichment
from vlmscope.metrics.grec import Grec
from vlmscope.metrics.gres import Gres
from vlmscope.metrics.labelled_points import LabelledPoints
from vlmscope.metrics.masks import ciou, giou, intersection_union, mask_iou
from vlmscope.metrics.means import accuracy_at, mean_over_images
from vlmscope.metrics.mme import Mme
from vlmscope.metrics.pointing import contains
from vlmscope.metrics.pope import Pope
from vlmscope.metrics.reasonseg import ReasonSeg
from vlmscope.metrics.rec import Rec
from vlmscope.metrics.ref_l4 import RefL4
from vlmscope.metrics.res import Res
from vlmscope.metrics.score import Score
from vlmscope.metrics.threshold import Threshold
from vlmscope.types import box_iou

__all__ = [
    "Absent",
    "Chair",
    "Grec",
    "Gres",
    "LabelledPoints",
    "Mme",
    "Pope",
    "ReasonSeg",
    "Rec",
    "RefL4",
    "Res",
    "Score",
    "Threshold",
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
