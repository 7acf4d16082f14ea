"""Ref-L4's reading of boxes: by size and by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import SentenceTask
from vlmscope.metrics import RefL4

__all__ = ["RefL4Boxes"]


class RefL4Boxes(SentenceTask):
    """Ref-L4 Acc and mAcc."""

    id = "ref-l4"
    definition = f"the method's box; {RefL4.definition}"

    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        """Raises BadSampleError for a sentence without a category."""
        return RefL4().scores((_record(row) for row in rows if not row["absent"]), seed=seed)


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    category = row.get("tags", {}).get("category")
    if category is None:
        raise BadSampleError(f"The sentence {row['id']!r} has no category, which Ref-L4 needs.")
    return RefL4().record(row["id"], row["image"], row["box"], row["truth"], category)
