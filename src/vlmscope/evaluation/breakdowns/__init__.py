"""What a report says of sentences beside scores: where methods fail, by object size, length and kind of
phrase; whether they fail together; and examples."""

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
