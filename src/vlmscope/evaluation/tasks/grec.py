"""Generalised referring comprehension: a box for each object, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.evaluation.evidence.decision import SCORE, Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Grec
from vlmscope.metrics.records import Record

__all__ = ["GeneralisedBoxes"]

_KEPT = 1.0  # score of a box that no threshold of its own is asked of


class GeneralisedBoxes(SentenceTask):
    """GREC F1, F1=1, N_acc and T_acc; of runs that give scores none without a decision."""

    id = "grec"
    definition = (
        "the boxes of the method's instances; those whose score reaches the threshold are answers "
        "(where other evidence than the score decides: all of them, unless the sentence is rejected); "
        f"{Grec().matching}; where a run gives no scores all of its boxes are answers, and no box is "
        "no rejection unless it is said in words: it is wrong whether something is meant or not"
    )
    instances = True
    decided = ("GREC F1", "GREC F1=1", "GREC N_acc", "GREC T_acc")
    always = False

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        if any(row["score"] is None for row in rows):
            metric = Grec(threshold=0.0)
            return metric.scores((_unscored(metric, row) for row in rows), seed=seed)
        if decision is None:
            return []
        metric = Grec(threshold=decision.threshold.value if decision.kind == SCORE else _KEPT)
        records = (
            metric.record(row["id"], row["image"], *_boxes(row, decision), row["truths"])
            for row in rows
        )
        return metric.scores(records, seed=seed)


def _boxes(row: Mapping[str, Any], decision: Decision) -> tuple[list[Any], list[float]]:
    """What is answered, and scores: the boxes' own, or those of all or of none of them."""
    if decision.kind == SCORE:
        return row["boxes"], row["scores"]
    boxes = [] if decision.rejects(row) else row["boxes"]
    return boxes, [_KEPT] * len(boxes)


def _unscored(metric: Grec, row: Mapping[str, Any]) -> Record:
    boxes = row["boxes"]
    record = metric.record(row["id"], row["image"], boxes, [0.0] * len(boxes), row["truths"])
    if boxes or row.get("rejection"):
        return record
    return {**record, "answers": int(record["objects"] == 0)}  # wrong in N_acc, and in T_acc
