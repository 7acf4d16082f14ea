"""The absent: does the method's score tell sentences that mean something from those that do not?"""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Absent, Threshold

__all__ = ["AbsentTargets"]


class AbsentTargets(SentenceTask):
    """The area under the ROC curve, which needs no threshold; decisions by one are scored beside."""

    id = "absent"
    definition = f"by the method's score of a sentence; {Absent.definition}"
    unscored = False
    decided = ("absent N_acc", "absent T_acc", "absent accuracy")

    def scores(self, rows: Rows, threshold: Threshold | None, seed: int) -> Sequence[Score]:
        return Absent().scores(rows, seed=seed)
