"""Masks that SAM draws for the runs of an evaluation."""

from vlmscope.evaluation.sam.entrants import (
    UNPROMPTED,
    SamEntrant,
    check_masks,
    check_prompts,
    with_sam,
)
from vlmscope.evaluation.sam.results import REFINED, SamImageResult

__all__ = [
    "REFINED",
    "UNPROMPTED",
    "SamEntrant",
    "SamImageResult",
    "check_masks",
    "check_prompts",
    "with_sam",
]
