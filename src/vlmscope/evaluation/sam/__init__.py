"""Every run once more with SAM's masks."""

from vlmscope.evaluation.sam.entrants import (
    UNPROMPTED,
    SamEntrant,
    check_masks,
    check_prompts,
    with_sam,
)

__all__ = ["UNPROMPTED", "SamEntrant", "check_masks", "check_prompts", "with_sam"]
