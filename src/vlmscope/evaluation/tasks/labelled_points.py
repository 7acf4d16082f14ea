"""Labelled points: is the heat map above its threshold where people say yes, and only there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.metrics import LabelledPoints
from vlmscope.post import lit_points

__all__ = ["PointLabels"]


class PointLabels(ImageTask):
    """Points mIoU, per pair of image and class and pooled per class."""

    id = "labelled-points"
    definition = (
        "whether the heat map reaches its own threshold at a point, all components counted (of whoever "
        f"answers with boxes: whether the point lies in one); {LabelledPoints.definition}"
    )

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """The counts of every class that is there."""
        metric = LabelledPoints()
        return [
            metric.record(
                f"{sample.image_id} {referent.label}",
                sample.image_id,
                referent.label,
                _lit(place, [(point.x + 0.5, point.y + 0.5) for point in referent.points]),
                [point.says for point in referent.points],
            )
            for referent, place in zip(sample.referents, result.places(), strict=True)
            if any(point.says == "yes" for point in referent.points)
        ]

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [row for record in records.values() for row in record]
        return LabelledPoints().scores(rows, seed=seed)


def _lit(place: Place, points: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    if place.located is not None:
        return lit_points(place.located, points)
    if place.mask is not None:
        return np.array([place.mask[int(y), int(x)] for x, y in points], dtype=bool)
    boxes = [each.box for each in place.boxes]
    return np.array(
        [any(b[0] <= x < b[2] and b[1] <= y < b[3] for b in boxes) for x, y in points], dtype=bool
    )
