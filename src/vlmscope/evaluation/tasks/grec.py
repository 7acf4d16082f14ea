"""Generalised referring comprehension: a box for each object, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Grec, Threshold
from vlmscope.metrics.records import Record

__all__ = ["GeneralisedBoxes"]


class GeneralisedBoxes(SentenceTask):
    """GREC F1, F1=1, N_acc and T_acc; of runs that give scores none without a threshold."""

    id = "grec"
    definition = (
        "the boxes of the method's instances; those whose score reaches the threshold are answers; "
        f"{Grec().matching}; where a run gives no scores all of its boxes are answers, and no box is "
        "no rejection: it is wrong whether something is meant or not"
    )
    instances = True
    decided = ("GREC F1", "GREC F1=1", "GREC N_acc", "GREC T_acc")
    always = False

    def scores(self, rows: Rows, threshold: Threshold | None, seed: int) -> Sequence[Score]:
        if any(row["score"] is None for row in rows):
            metric = Grec(threshold=0.0)
            return metric.scores((_unscored(metric, row) for row in rows), seed=seed)
        if threshold is None:
            return []
        metric = Grec(threshold=threshold.value)
        records = (
            metric.record(row["id"], row["image"], row["boxes"], row["scores"], row["truths"])
            for row in rows
        )
        return metric.scores(records, seed=seed)


def _unscored(metric: Grec, row: Mapping[str, Any]) -> Record:
    boxes = row["boxes"]
    record = metric.record(row["id"], row["image"], boxes, [0.0] * len(boxes), row["truths"])
    if boxes or row.get("rejection"):
        return record
    return {**record, "answers": int(record["objects"] == 0)}  # wrong in N_acc, and in T_acc
