"""Referring expression comprehension: one box per sentence (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.boxes import centre_of, checked_box
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.paired import SummedScore, summed_scores
from vlmscope.metrics.pointing import contains
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score
from vlmscope.types import box_iou

__all__ = ["ACCURACIES", "STEPS", "Rec"]

ACCURACIES = (0.5, 0.75, 0.9)
"""The thresholds that are reported one by one."""

STEPS = tuple(percent / 100 for percent in range(50, 100, 5))
"""The thresholds whose accuracies mAcc averages: .50, .55 ... .95."""


@dataclass(frozen=True)
class Rec:
    """Acc@t, mAcc, centre accuracy and pointing.

    Attributes:
        points: whether the methods give points; without, pointing is no score.
    """

    points: bool = True

    definition: ClassVar[str] = (
        "Acc@t: share of sentences whose box has an IoU of t or more with the object's, areas "
        "continuous; mAcc: mean of Acc@t over t = .50:.05:.95; centre: share of sentences whose "
        "box has its centre inside the object's box; pointing: share of sentences whose point lies "
        "on the object's mask, or in its box where there is no mask; no box or point is a miss"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        predicted: Sequence[float] | None,
        truth: Sequence[float],
        *,
        point: tuple[float, float] | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> Record:
        """``{"id", "image", "iou", "centre", "pointing"}`` of one sentence.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            predicted: xyxy float pixels of the original image; None is a miss.
            truth: the object's box, likewise.
            point: (x, y) in float pixels; None is a miss.
            mask: bool (height, width) of the object, which pointing prefers to its box.

        Raises:
            BadSampleError: ids, boxes or a point that are none.
        """
        target = checked_box(truth, "true box")
        box = None if predicted is None else checked_box(predicted, "predicted box")
        record = header(sample, image)
        record["iou"] = box_iou(box, target)
        record["centre"] = box is not None and contains(target, centre_of(box))
        if self.points:
            record["pointing"] = contains(target if mask is None else mask, _checked_point(point))
        return record

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``Acc@0.5``, ``Acc@0.75``, ``Acc@0.9``, ``mAcc``, ``centre`` and ``pointing``.

        Args:
            records: one per sentence, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, or another metric's record.
        """
        return ImageSums.of(records, self._measured).scores(self._names, seed=seed)

    def drawn(self, records: Records) -> list[SummedScore]:
        """The same scores as functions of the images drawn; arguments and errors as there."""
        return summed_scores(ImageSums.of(records, self._measured), self._names)

    @property
    def _names(self) -> list[str]:
        names = [*(f"Acc@{threshold}" for threshold in ACCURACIES), "mAcc", "centre"]
        return names + (["pointing"] if self.points else [])

    def _measured(self, record: Mapping[str, Any]) -> dict[str, float]:
        iou = entry(record, "iou")
        numbers = {f"Acc@{threshold}": float(iou >= threshold) for threshold in ACCURACIES}
        numbers["mAcc"] = sum(iou >= step for step in STEPS) / len(STEPS)
        numbers["centre"] = float(entry(record, "centre"))
        if self.points:
            numbers["pointing"] = float(entry(record, "pointing"))
        return {SENTENCES: 1.0, **numbers}


def _checked_point(point: Sequence[float] | None) -> tuple[float, float] | None:
    if point is None:
        return None
    values = tuple(float(value) for value in point)
    if len(values) != 2 or not np.isfinite(values).all():
        raise BadSampleError(
            f"A point must be two finite numbers (x, y) in pixels, got {values}. "
            "Pass None where a method found no point."
        )
    return values[0], values[1]
