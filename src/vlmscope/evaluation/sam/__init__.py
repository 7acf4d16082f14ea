"""Masks that SAM draws for the runs of an evaluation."""

from vlmscope.evaluation.sam.entrants import (
    UNPROMPTED,
    SamEntrant,
    check_masks,
    check_prompts,
    compares_pixels,
    with_sam,
)
from vlmscope.evaluation.sam.results import REFINED, SamImageResult
from vlmscope.evaluation.sam.votes import VotedEntrant, VotedImageResult

__all__ = [
    "REFINED",
    "UNPROMPTED",
    "SamEntrant",
    "SamImageResult",
    "VotedEntrant",
    "VotedImageResult",
    "check_masks",
    "check_prompts",
    "compares_pixels",
    "with_sam",
]
