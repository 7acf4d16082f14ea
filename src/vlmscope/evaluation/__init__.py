"""Whether a model looks where it should, with error bars."""

from vlmscope.evaluation.report import write_report
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.runs import choose

__all__ = [
    "choose",
    "evaluate",
    "write_report",
]
