"""Generalised referring segmentation: any number of objects, none included (docs/evaluation.md)."""

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

__all__ = ["PRECISIONS", "Gres"]

PRECISIONS = (0.7, 0.8, 0.9)
"""The thresholds of Pr@t."""

_UNION, _TARGETED, _ABSENT = "union", "targeted", "absent"


class Gres:
    """gIoU, cIoU, N_acc, T_acc and Pr@t of gRefCOCO, as ReLA reads them."""

    definition: ClassVar[str] = (
        "gIoU (not Generalised IoU): mean of the sentences' IoU; without a target a rejection counts "
        "1 and an answer 0; with a target a rejection counts 0; cIoU: sum of intersections over sum "
        "of unions, where a right rejection adds 0/0, an answer without a target 0/its area, and a "
        "wrong rejection 0/the union with the mask before the rejection; N_acc: share of sentences "
        "without a target that are rejected; T_acc: share of those with one that are not; Pr@t: "
        "share of sentences with a target whose IoU is t or more"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        predicted: NDArray[np.bool_] | None,
        truth: NDArray[np.bool_] | None,
        *,
        rejected: bool,
    ) -> Record:
        """``{"id", "image", "absent", "rejected", "inside", "union"}`` of one sentence.

        Pixels are those of the masks as they are; the rules on rejections are the scores'.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            predicted: bool (height, width), the mask BEFORE the rejection; None where a method that
                rejected made none, which is an empty one.
            truth: bool (height, width), all objects merged; None where the sentence has no target.
            rejected: whether the method decided that there is no target. An empty mask is no such
                decision.

        Raises:
            BadSampleError: ids that are none, masks of different sizes, a true mask without a
                pixel, or no mask of a method that did not reject.
        """
        if truth is not None and not np.any(truth):
            raise BadSampleError(
                f"The true mask of {sample!r} has no pixel. Pass None where a sentence has no target."
            )
        if predicted is None and not rejected:
            raise BadSampleError(
                f"The method did not reject {sample!r} and gave no mask. "
                "Pass an empty mask where it answered and found nothing."
            )
        inside, union = _pixels(predicted, truth)
        decision = {"absent": truth is None, "rejected": bool(rejected)}
        return {**header(sample, image), **decision, "inside": inside, "union": union}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``GRES gIoU``, ``GRES cIoU``, ``N_acc``, ``T_acc``, ``Pr@0.7``, ``Pr@0.8``, ``Pr@0.9``.

        N_acc is over the sentences without a target, T_acc and Pr@t over those with one; without
        an interval where there are none.

        Args:
            records: one per sentence, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, or another metric's record.
        """
        sums = ImageSums.of(records, _measured)
        shares = [f"Pr@{threshold}" for threshold in PRECISIONS]
        return [
            *sums.scores(["GRES gIoU"], seed=seed),
            *sums.scores(["GRES cIoU"], over=_UNION, counted=SENTENCES, seed=seed),
            *sums.scores(["N_acc"], over=_ABSENT, seed=seed),
            *sums.scores(["T_acc", *shares], over=_TARGETED, seed=seed),
        ]


def _pixels(
    predicted: NDArray[np.bool_] | None, truth: NDArray[np.bool_] | None
) -> tuple[int, int]:
    """Intersection and union, a missing mask being empty."""
    masks = [mask for mask in (predicted, truth) if mask is not None]
    if not masks:
        return 0, 0
    nothing = np.zeros_like(masks[0])
    return intersection_union(
        nothing if predicted is None else predicted, nothing if truth is None else truth
    )


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    absent, rejected = entry(record, "absent"), entry(record, "rejected")
    inside, union = entry(record, "inside"), entry(record, "union")
    if absent:
        inside, union, iou = 0, 0 if rejected else union, float(rejected)
    else:
        inside = 0 if rejected else inside
        iou = inside / union if union else 0.0  # not 1: there was an object to find
    hits = {f"Pr@{t}": float(not absent and iou >= t) for t in PRECISIONS}
    return {
        SENTENCES: 1.0,
        _TARGETED: float(not absent),
        _ABSENT: float(absent),
        _UNION: union,
        "GRES gIoU": iou,
        "GRES cIoU": inside,
        "N_acc": float(absent and rejected),
        "T_acc": float(not absent and not rejected),
        **hits,
    }
