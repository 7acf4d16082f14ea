"""Referring expressions: the method's own mask and box against the object's."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import Rec, Res

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
        """What is absent has no place to be found at, so it is left out."""
        boxes = (row for row in rows if not row["absent"])
        masks = (row for row in rows if not row["absent"] and row["union"] is not None)
        return [*Rec(points=False).scores(boxes, seed=seed), *Res().scores(masks, seed=seed)]
