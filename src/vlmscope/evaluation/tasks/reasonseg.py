"""ReasonSeg: masks with pixels that do not count."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import ReasonSeg

__all__ = ["ReasonSegMasks"]


class ReasonSegMasks(SentenceTask):
    """ReasonSeg gIoU and cIoU."""

    id = "reasonseg"
    masks = True
    definition = f"the method's mask; {ReasonSeg.definition}"

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        """Rows count pixels without the ignored ones already."""
        return ReasonSeg().scores((row for row in rows if row["union"] is not None), seed=seed)
