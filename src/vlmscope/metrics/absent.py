"""Whether a score tells sentences with a target from those without (docs/evaluation.md, Metrics)."""

from __future__ import annotations

import math
from typing import ClassVar

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import SENTENCES
from vlmscope.metrics.records import Record, Records, entry, header, once
from vlmscope.metrics.roc_auc import roc_auc
from vlmscope.metrics.score import Score

__all__ = ["Absent"]


class Absent:
    """The area under the ROC curve, which needs no threshold."""

    definition: ClassVar[str] = (
        "absent AUC: the chance that a sentence with a target scores above one without, ties "
        "counting half, over all pairs of the data set"
    )

    def record(self, sample: str | int, image: str | int, score: float, *, absent: bool) -> Record:
        """``{"id", "image", "score", "absent"}`` of one sentence.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            score: of the object's presence: more where it is more likely there.
            absent: whether the sentence has no target.

        Raises:
            BadSampleError: ids that are none, or a score that is not finite.
        """
        value = float(score)
        if not math.isfinite(value):
            raise BadSampleError(f"The score of {sample!r} must be a finite number, got {score!r}.")
        return {**header(sample, image), "score": value, "absent": bool(absent)}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``absent AUC``; without an interval where only one kind of sentence is there.

        Args:
            records: one per sentence, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, or another metric's record.
        """
        values, present, images = [], [], []
        for record in once(records):
            values.append(entry(record, "score"))
            present.append(not entry(record, "absent"))
            images.append(record["image"])
        both = any(present) and not all(present)
        interval = roc_auc(values, present, images, seed=seed) if both else None
        detail = {"absent": present.count(False)}
        return [Score("absent AUC", interval, len(values), SENTENCES, len(set(images)), detail)]
