"""Criteria of discovery beside each other: what their heads are worth, and how stable they are."""

from vlmscope.heads.compare.measure import COMPARED, compare_criteria
from vlmscope.heads.compare.report import comparison_page
from vlmscope.heads.compare.result import (
    CRITERIA_COLUMNS,
    DIFFERENCES_COLUMNS,
    ControlResult,
    CriteriaComparison,
    CriteriaDifference,
    CriterionResult,
)

__all__ = [
    "COMPARED",
    "CRITERIA_COLUMNS",
    "DIFFERENCES_COLUMNS",
    "ControlResult",
    "CriteriaComparison",
    "CriteriaDifference",
    "CriterionResult",
    "compare_criteria",
    "comparison_page",
]
