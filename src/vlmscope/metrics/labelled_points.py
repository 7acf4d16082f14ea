"""OpenImages' labelled points: yes or no at single places (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.records import Record, Records, checked_id, entry, header
from vlmscope.metrics.score import Score
from vlmscope.stats import bootstrap_sums

__all__ = ["LabelledPoints"]

_PAIRS = "pairs"
_COUNTS = ("both", "predicted", "true", "neither")


class LabelledPoints:
    """Points mIoU, per image and class, and pooled per class."""

    definition: ClassVar[str] = (
        "at the labelled points of an image and a class that is in it: IoU of the points that are "
        "yes and of those that are no, averaged; a kind without a point in truth and prediction is "
        "left out; points mIoU: mean over pairs of image and class; pooled: the points of a class in "
        "all images together, then the mean over classes; unsure points are skipped. No code was "
        "published: neither is comparable with published figures"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        label: str | int,
        predicted: ArrayLike,
        truth: Sequence[str],
    ) -> Record:
        """``{"id", "image", "class", "both", "predicted", "true", "neither"}`` of one pair.

        Args:
            sample, image: ids of the pair of image and class, and of the image.
            label: the class.
            predicted: bool (points,), whether the heat map reaches its threshold at each.
            truth: (points,), ``"yes"``, ``"no"`` or ``"unsure"``.

        Returns:
            How many points are yes in both, in the prediction alone, in the truth alone, in neither.

        Raises:
            BadSampleError: ids that are none, lengths that differ, another word, or no yes.
        """
        says = np.asarray(predicted)
        if says.dtype != bool or says.shape != (len(truth),):
            raise BadSampleError(
                f"Predictions must be bool, one for each of {len(truth)} points, got {says.dtype} "
                f"{says.shape}."
            )
        strange = sorted(set(truth) - {"yes", "no", "unsure"})
        if strange or "yes" not in truth:
            raise BadSampleError(
                f"Points are yes, no or unsure, one at least yes, got {strange or sorted(set(truth))} "
                f"for {sample!r}. A class that is not in the image is not measured."
            )
        yes, no = (np.array([word == kind for word in truth]) for kind in ("yes", "no"))
        cells = (says & yes, says & no, ~says & yes, ~says & no)
        counts = {name: int(cell.sum()) for name, cell in zip(_COUNTS, cells, strict=True)}
        return {**header(sample, image), "class": checked_id(label, "class"), **counts}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``points mIoU`` and ``points mIoU pooled``.

        Args:
            records: one per pair of image and class.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a pair that is there twice, or another metric's record.
        """
        rows = list(records)
        mean = ImageSums.of(rows, _measured).scores(
            ["points mIoU"], over=_PAIRS, unit=_PAIRS, seed=seed
        )
        return [*mean, _pooled(rows, seed)]


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    counts = np.array([[entry(record, name) for name in _COUNTS]], dtype=np.float64)
    return {_PAIRS: 1.0, "points mIoU": float(_means(counts)[0])}


def _means(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 4) -> (...): mean of the IoUs of yes and of no that have a point; 0 without any point."""
    both, predicted, true, neither = np.moveaxis(counts, -1, 0)
    wrong = predicted + true
    ious = np.zeros((2, *both.shape))
    for iou, right in zip(ious, (both, neither), strict=True):
        np.divide(right, right + wrong, out=iou, where=right + wrong > 0)
    kinds = (both + wrong > 0).astype(int) + (neither + wrong > 0)
    return np.asarray(ious.sum(axis=0) / np.maximum(kinds, 1))


def _pooled(rows: Sequence[Mapping[str, Any]], seed: int) -> Score:
    """Mean over the classes of all images; of each resample, over those drawn."""
    name = "points mIoU pooled"
    if not rows:
        return Score(name, None, 0, _PAIRS, 0, {"classes": 0})
    images = {image: number for number, image in enumerate(dict.fromkeys(r["image"] for r in rows))}
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(r["class"] for r in rows))}
    table = np.zeros((len(images), len(kinds), len(_COUNTS)))
    for row in rows:
        table[images[row["image"]], kinds[row["class"]]] += [row[count] for count in _COUNTS]

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = drawn.reshape(-1, len(kinds), len(_COUNTS))
        present = counts.any(axis=2)
        return np.asarray((_means(counts) * present).sum(axis=1) / present.sum(axis=1))

    interval = bootstrap_sums(table.reshape(len(images), -1), statistic, seed=seed)
    return Score(name, interval, len(rows), _PAIRS, len(images), {"classes": len(kinds)})
