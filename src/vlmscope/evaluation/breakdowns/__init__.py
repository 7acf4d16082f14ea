"""Where methods fail: by object size, length and kind of phrase; and whether they fail together."""

from vlmscope.evaluation.breakdowns.breakdown import (
    ACCURACY,
    BREAKDOWNS,
    REF_L4_SIZES,
    Breakdown,
    BreakdownScores,
    breakdown_scores,
)
from vlmscope.evaluation.breakdowns.failures import Failures, Pair, failures
from vlmscope.evaluation.breakdowns.phrase_kinds import KINDS, phrase_kinds

__all__ = [
    "ACCURACY",
    "BREAKDOWNS",
    "KINDS",
    "REF_L4_SIZES",
    "Breakdown",
    "BreakdownScores",
    "Failures",
    "Pair",
    "breakdown_scores",
    "failures",
    "phrase_kinds",
]
