"""What is kept of an image under a variant, and the scores of many images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import Referent
from vlmscope.metrics import Score
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.masks import intersection_union
from vlmscope.stats import bootstrap_sums
from vlmscope.types import Box
from vlmscope.types.boxes import box_iou

__all__ = ["COLUMNS", "SCORES", "mean_of_models", "scores_of", "sentence_sums"]

COLUMNS = (SENTENCES, "Acc@0.5", "box IoU", "masked", "RES mIoU", "inside", "union")
"""Numbers summed per image: sentences, hits, IoU of boxes; sentences with a mask, IoU of masks, pixels in
both masks and in either."""

SCORES = ("Acc@0.5", "box IoU", "RES oIoU", "RES mIoU")
"""What is scored: the first two on all sentences, the others on those with a mask."""

_HIT = 0.5


def sentence_sums(
    box: Box | None, mask: NDArray[np.bool_], referent: Referent
) -> NDArray[np.float64]:
    """Float64 (columns,): what one sentence adds, see :data:`COLUMNS`.

    Args:
        box: the predicted one, xyxy pixels; None is a miss.
        mask: the predicted one, bool (height, width).
        referent: what is true; pixels that it ignores count for neither mask.
    """
    iou = box_iou(box, referent.target.box)
    numbers = [1.0, float(iou >= _HIT), iou]
    truth = referent.target.mask
    if truth is None:
        return np.array([*numbers, 0.0, 0.0, 0.0, 0.0])
    inside, union = intersection_union(mask, truth, referent.ignore)
    return np.array([*numbers, 1.0, inside / union if union else 1.0, inside, union])


def scores_of(table: Sequence[Sequence[float]], seed: int = 0) -> dict[str, Score]:
    """The scores of some images, by name; of masks none where no sentence has one.

    Args:
        table: (images, columns) sums.
        seed: of the bootstrap over images.
    """
    sums = ImageSums(COLUMNS, np.array(table, dtype=np.float64).reshape(-1, len(COLUMNS)))
    scores = sums.scores(["Acc@0.5", "box IoU"], seed=seed)
    if sums["masked"].sum() > 0:
        overall = sums.scores(["inside"], over="union", counted="masked", seed=seed)
        scores += [replace(overall[0], metric="RES oIoU")]
        scores += sums.scores(["RES mIoU"], over="masked", seed=seed)
    return {score.metric: score for score in scores}


def mean_of_models(tables: Sequence[Mapping[str, Sequence[float]]], seed: int = 0) -> Score | None:
    """The mean over models of their RES oIoU, with one bootstrap over the images of all.

    Args:
        tables: per model: image id -> sums.
        seed: of the bootstrap.

    Returns:
        None where no image with a mask is common to all.
    """
    inside, union = COLUMNS.index("inside"), COLUMNS.index("union")
    common = [each for each in tables[0] if all(each in table for table in tables)]
    values = np.array(
        [[table[each][column] for table in tables for column in (inside, union)] for each in common]
    )
    if not common or not values[:, 1::2].sum(axis=0).all():
        return None
    masked = int(sum(tables[0][each][COLUMNS.index("masked")] for each in common))
    interval = bootstrap_sums(values, _mean_ratio, seed=seed)
    return Score("RES oIoU", interval, masked, SENTENCES, len(common))


def _mean_ratio(sums: NDArray[np.float64]) -> Any:
    """(resamples, 2 x models) sums -> (resamples,)."""
    tops, bottoms = sums[:, 0::2], sums[:, 1::2]
    return np.divide(tops, bottoms, out=np.zeros_like(tops), where=bottoms > 0).mean(axis=1)
