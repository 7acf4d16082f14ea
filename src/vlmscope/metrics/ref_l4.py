"""Ref-L4's reading of box accuracy: by size and by category (docs/evaluation.md, Metrics)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.boxes import checked_box
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.rec import ACCURACIES, STEPS
from vlmscope.metrics.records import Record, Records, checked_id, entry, header
from vlmscope.metrics.score import Score
from vlmscope.stats import bootstrap_sums
from vlmscope.types import Box, box_areas

__all__ = ["LARGEST_MEDIUM", "SIZES", "SMALLEST_MEDIUM", "SMALLEST_UNION", "RefL4"]

SMALLEST_UNION = 1e-6
"""The union of two boxes in square pixels is never less: it is what stands below the line."""

SIZES = ("small", "medium", "large")
"""Kinds of objects by the square root of width times height."""

SMALLEST_MEDIUM, LARGEST_MEDIUM = 128, 256
"""Pixels; both belong to medium."""


class RefL4:
    """Acc and mAcc over all sentences, by size, and as a mean over categories."""

    definition: ClassVar[str] = (
        "Acc@t: share of sentences whose box has an IoU of MORE than t with the object's, the union "
        "at least 1e-6; mAcc: mean of Acc@t over t = .50:.05:.95; small, medium and large: objects "
        "whose sqrt(width x height) is below 128, from 128 to 256, and above 256 pixels; class: mean "
        "over the categories of the share in each"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        predicted: Sequence[float] | None,
        truth: Sequence[float],
        category: str | int,
    ) -> Record:
        """``{"id", "image", "iou", "size", "category"}`` of one sentence.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            predicted: xyxy float pixels of the original image; None is a miss.
            truth: the object's box, likewise.
            category: of the object, the numbers of RefCOCO and Objects365 already merged.

        Raises:
            BadSampleError: ids or boxes that are none.
        """
        target = checked_box(truth, "true box")
        box = None if predicted is None else checked_box(predicted, "predicted box")
        root = math.sqrt((target[2] - target[0]) * (target[3] - target[1]))
        medium = SIZES[1] if root <= LARGEST_MEDIUM else SIZES[2]
        return {
            **header(sample, image),
            "iou": _iou(box, target),
            "size": SIZES[0] if root < SMALLEST_MEDIUM else medium,
            "category": checked_id(category, "category"),
        }

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``Ref-L4 Acc@0.5`` ..., ``Ref-L4 small Acc@0.5`` ..., ``Ref-L4 class Acc@0.5`` ...

        A size or the data set without a sentence has scores without an interval.

        Args:
            records: one per sentence.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, or another metric's record.
        """
        rows = list(records)
        sums = ImageSums.of(rows, _measured)
        names = [f"Acc@{threshold}" for threshold in ACCURACIES]
        found = sums.scores([*names, "mAcc"], seed=seed)
        for size in SIZES:
            found += sums.scores([f"{size} Acc@0.5", f"{size} mAcc"], over=size, seed=seed)
        found += [_by_category(rows, name, seed) for name in ("Acc@0.5", "mAcc")]
        return [replace(score, metric=f"Ref-L4 {score.metric}") for score in found]


def _iou(box: Box | None, target: Box) -> float:
    if box is None:
        return 0.0
    inside, union = box_areas(box, target)
    return inside / max(union, SMALLEST_UNION)


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    iou, size = entry(record, "iou"), entry(record, "size")
    if size not in SIZES:
        raise BadSampleError(f"A size is one of {', '.join(SIZES)}, got {size!r}.")
    hits = {f"Acc@{threshold}": float(iou > threshold) for threshold in ACCURACIES}
    hits["mAcc"] = sum(iou > step for step in STEPS) / len(STEPS)
    numbers = {SENTENCES: 1.0, **hits}
    for each in SIZES:
        numbers[each] = float(size == each)
        numbers |= {f"{each} {name}": hits[name] * (size == each) for name in ("Acc@0.5", "mAcc")}
    return numbers


def _by_category(rows: Sequence[Mapping[str, Any]], metric: str, seed: int) -> Score:
    """Mean over the categories of the data set; of each resample, over those drawn."""
    images = {image: number for number, image in enumerate(dict.fromkeys(r["image"] for r in rows))}
    kinds = {
        k: number for number, k in enumerate(dict.fromkeys(entry(r, "category") for r in rows))
    }
    if not rows:
        return Score(f"class {metric}", None, 0, SENTENCES, 0, {"categories": 0})
    table = np.zeros((len(images), 2, len(kinds)))
    for row in rows:
        place = images[row["image"]], slice(None), kinds[row["category"]]
        table[place] += (_measured(row)[metric], 1)

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        hits, counts = np.moveaxis(drawn.reshape(-1, 2, len(kinds)), 1, 0)
        shares = np.divide(hits, counts, out=np.zeros_like(hits), where=counts > 0)
        return np.asarray(shares.sum(axis=1) / (counts > 0).sum(axis=1))

    interval = bootstrap_sums(table.reshape(len(images), -1), statistic, seed=seed)
    spread = (len(rows), SENTENCES, len(images))
    return Score(f"class {metric}", interval, *spread, {"categories": len(kinds)})
