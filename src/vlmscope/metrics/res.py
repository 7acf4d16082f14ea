"""Referring expression segmentation: one mask per sentence (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.masks import intersection_union
from vlmscope.metrics.paired import SummedScore, summed_scores
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score

__all__ = ["PRECISIONS", "Res"]

PRECISIONS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""The thresholds of Pr@t."""

_UNION = "union"
_NAMES = ["RES mIoU", *(f"Pr@{threshold}" for threshold in PRECISIONS)]


class Res:
    """oIoU, mIoU and Pr@t."""

    definition: ClassVar[str] = (
        "oIoU (also cIoU): sum of intersections over sum of unions, over all sentences; mIoU (the "
        "gIoU of LISA and ReLA, not Generalised IoU): mean of the sentences' IoU, an empty union "
        "counts 1; Pr@t: share of sentences whose mask has an IoU of t or more"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        predicted: NDArray[np.bool_],
        truth: NDArray[np.bool_],
    ) -> Record:
        """``{"id", "image", "inside", "union"}`` of one sentence, in pixels.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            predicted, truth: bool (height, width) of the original image.

        Raises:
            BadSampleError: ids that are none, or masks of different sizes or not bool.
        """
        inside, union = intersection_union(predicted, truth)
        return {**header(sample, image), "inside": inside, "union": union}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``RES oIoU``, ``RES mIoU``, ``Pr@0.5`` .. ``Pr@0.9``.

        Args:
            records: one per sentence, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, or another metric's record.
        """
        sums = ImageSums.of(records, _measured)
        overall = sums.scores(["RES oIoU"], over=_UNION, counted=SENTENCES, seed=seed)
        return overall + sums.scores(_NAMES, seed=seed)

    def drawn(self, records: Records) -> list[SummedScore]:
        """The same scores as functions of the images drawn; arguments and errors as there."""
        sums = ImageSums.of(records, _measured)
        return [*summed_scores(sums, ["RES oIoU"], _UNION), *summed_scores(sums, _NAMES)]


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    inside, union = entry(record, "inside"), entry(record, "union")
    iou = inside / union if union else 1.0
    shares = {f"Pr@{threshold}": float(iou >= threshold) for threshold in PRECISIONS}
    return {SENTENCES: 1.0, "RES oIoU": inside, _UNION: union, "RES mIoU": iou, **shares}
