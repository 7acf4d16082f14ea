"""Generalised referring comprehension: a box for each object, or none."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Grec, Threshold

__all__ = ["GeneralisedBoxes"]


class GeneralisedBoxes(SentenceTask):
    """GREC F1, F1=1, N_acc and T_acc; no score without a threshold."""

    id = "grec"
    definition = (
        "the boxes of the method's instances; those whose score reaches the threshold are answers; "
        f"{Grec().matching}"
    )
    instances = True
    decided = ("GREC F1", "GREC F1=1", "GREC N_acc", "GREC T_acc")
    always = False

    def scores(self, rows: Rows, threshold: Threshold | None, seed: int) -> Sequence[Score]:
        if threshold is None:
            return []
        metric = Grec(threshold=threshold.value)
        records = (
            metric.record(row["id"], row["image"], row["boxes"], row["scores"], row["truths"])
            for row in rows
        )
        return metric.scores(records, seed=seed)
