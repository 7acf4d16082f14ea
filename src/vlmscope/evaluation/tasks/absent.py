"""The absent: does evidence tell sentences that mean something from those that do not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vlmscope.evaluation.evidence.decision import SCORE, Decision, evidence_records
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Absent

__all__ = ["AbsentTargets"]


class AbsentTargets(SentenceTask):
    """Areas under the ROC curve, which need no threshold; decisions by one are scored beside."""

    id = "absent"
    definition = f"by the method's score of a sentence; {Absent.definition}"
    unscored = False
    by_evidence = True
    decided = ("absent N_acc", "absent T_acc", "absent accuracy")

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        """``absent AUC`` of the score, ``absent AUC contrast`` of another kind of evidence."""
        first: Mapping[str, Any] = next(iter(rows), {"score": 0.0})
        own = () if first["score"] is None else (SCORE,)
        return [
            replace(score, metric=score.metric if kind == SCORE else f"{score.metric} {kind}")
            for kind in (*own, *first.get("evidence", {}))
            for score in Absent().scores(evidence_records(rows, kind), seed=seed)
        ]
