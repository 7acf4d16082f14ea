"""Generalised referring segmentation: sentences that mean one object, several, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Gres

__all__ = ["GeneralisedMasks"]


class GeneralisedMasks(SentenceTask):
    """GRES gIoU, cIoU and Pr@t, N_acc and T_acc; no score without a decision."""

    id = "gres"
    masks = True
    definition = (
        "the method's mask; a sentence is rejected where its score, or the evidence that decides, is "
        f"below the threshold, an empty mask alone is no rejection; {Gres.definition}"
    )
    decided = ("GRES gIoU", "GRES cIoU", "N_acc", "T_acc", "GRES Pr@t")
    always = False
    unscored = False

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        if decision is None:
            return []
        records = (_record(row, decision) for row in rows if row["union"] is not None)
        return [_renamed(score) for score in Gres().scores(records, seed=seed)]


def _record(row: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    kept = {key: row[key] for key in ("id", "image", "absent", "inside", "union")}
    return {**kept, "rejected": decision.rejects(row)}


def _renamed(score: Score) -> Score:
    """Pr@t of the task ``referring`` are other scores."""
    return replace(score, metric=f"GRES {score.metric}") if score.metric[:3] == "Pr@" else score
