"""Referring expressions: the method's own mask and box against the object's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Rec, Res
from vlmscope.metrics.paired import DrawnScore

__all__ = ["Referring"]


class Referring(SentenceTask):
    """Acc@t, mAcc and centre of boxes; oIoU, mIoU and Pr@t of masks. Pointing has its own task."""

    id = "referring"
    masks = True
    definition = (
        "the method's mask and box after its post-processing, of sentences that mean something; "
        f"{Rec.definition}; RES, of sentences with a mask: {Res.definition}"
    )

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        boxes, masks = _boxes(rows), _masks(rows)
        return [*Rec(points=False).scores(boxes, seed=seed), *Res().scores(masks, seed=seed)]

    def drawn(self, rows: Rows) -> Sequence[DrawnScore]:
        return [*Rec(points=False).drawn(_boxes(rows)), *Res().drawn(_masks(rows))]


def _boxes(rows: Rows) -> Iterator[Mapping[str, Any]]:
    """What is absent has no place to be found at, so it is left out."""
    return (row for row in rows if not row["absent"])


def _masks(rows: Rows) -> Iterator[Mapping[str, Any]]:
    """Of these, those with a true mask and one of the run."""
    return (row for row in _boxes(rows) if row["union"] is not None)
