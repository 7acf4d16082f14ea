"""ReasonSeg: one mask per image, with pixels that do not count (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.masks import intersection_union
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score

__all__ = ["IGNORED", "ReasonSeg"]

IGNORED = 255
"""The label of a pixel that counts neither in the truth nor in the prediction."""

_UNION = "union"


class ReasonSeg:
    """LISA's gIoU and cIoU."""

    definition: ClassVar[str] = (
        "gIoU (not Generalised IoU): mean of the samples' IoU, an empty union counts 1; cIoU: sum of "
        "intersections over sum of unions; pixels labelled 255 count for neither truth nor prediction"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        predicted: NDArray[np.bool_],
        labels: NDArray[np.uint8],
    ) -> Record:
        """``{"id", "image", "inside", "union"}`` of one sample, in pixels that count.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            predicted: bool (height, width) of the original image.
            labels: uint8 (height, width): 0, 1 on the object, 255 ignored.

        Raises:
            BadSampleError: ids that are none, masks of different sizes, or another label.
        """
        labels = np.asarray(labels)
        strange = np.setdiff1d(labels, (0, 1, IGNORED))
        if strange.size:
            raise BadSampleError(
                f"Labels are 0, 1 or {IGNORED} (ignored), got {strange[:4].tolist()} among them."
            )
        inside, union = intersection_union(predicted, labels == 1, labels == IGNORED)
        return {**header(sample, image), "inside": inside, "union": union}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``ReasonSeg gIoU`` and ``ReasonSeg cIoU``.

        Args:
            records: one per sample, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sample that is there twice, or another metric's record.
        """
        sums = ImageSums.of(records, _measured)
        mean = sums.scores(["ReasonSeg gIoU"], seed=seed)
        return mean + sums.scores(["ReasonSeg cIoU"], over=_UNION, counted=SENTENCES, seed=seed)


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    inside, union = entry(record, "inside"), entry(record, "union")
    iou = inside / union if union else 1.0
    return {SENTENCES: 1.0, "ReasonSeg gIoU": iou, "ReasonSeg cIoU": inside, _UNION: union}
