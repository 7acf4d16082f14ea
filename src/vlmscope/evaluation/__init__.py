"""Whether a model looks where it should, with error bars."""

from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.report import write_report
from vlmscope.evaluation.runner import evaluate

__all__ = [
    "choose",
    "evaluate",
    "write_report",
]
