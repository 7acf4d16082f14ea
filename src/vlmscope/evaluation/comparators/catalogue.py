"""Every comparator, one line each."""

from __future__ import annotations

from vlmscope.evaluation.comparators.florence2 import DETECTION, GROUNDING, SEGMENTATION
from vlmscope.evaluation.comparators.grounding_dino import GROUNDING_DINO, MM_GROUNDING_DINO
from vlmscope.evaluation.comparators.kinds import ComparatorKind
from vlmscope.evaluation.comparators.owlv2 import OWLV2
from vlmscope.evaluation.comparators.sam3 import SAM_3
from vlmscope.registry import Registry

__all__ = ["COMPARATORS"]

COMPARATORS: Registry[ComparatorKind] = Registry(
    "comparator",
    (
        GROUNDING_DINO,
        MM_GROUNDING_DINO,
        OWLV2,
        GROUNDING,
        DETECTION,
        SEGMENTATION,
        SAM_3,
    ),
)
"""Comparators by id."""
