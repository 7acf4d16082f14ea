"""Metrics with their exact definitions (docs/evaluation.md); every score with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.stats import Interval, bootstrap, bootstrap_ratios, ratio_of_sums
from vlmscope.types import Box, box_iou

__all__ = [
    "accuracy_at",
    "box_iou",
    "ciou",
    "contains",
    "enrichment",
    "giou",
    "intersection_union",
    "mask_iou",
    "mean_over_images",
]


def intersection_union(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    ignore: NDArray[np.bool_] | None = None,
) -> tuple[int, int]:
    """Pixels in both masks, and in either.

    Args:
        predicted, truth: bool (height, width) of the same image.
        ignore: bool (height, width), pixels that count for neither (ReasonSeg's 255), or None.

    Raises:
        BadSampleError: masks of different sizes.
    """
    shapes = {mask.shape for mask in (predicted, truth, ignore) if mask is not None}
    if len(shapes) > 1:
        raise BadSampleError(
            f"Masks to compare must be of one size (height, width), got {sorted(shapes)}. "
            "Both must belong to the original image."
        )
    if ignore is not None:
        predicted, truth = predicted & ~ignore, truth & ~ignore
    return int((predicted & truth).sum()), int((predicted | truth).sum())


def mask_iou(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    ignore: NDArray[np.bool_] | None = None,
) -> float:
    """Intersection over union of two masks, 0..1; an empty union counts 1."""
    inside, union = intersection_union(predicted, truth, ignore)
    return inside / union if union else 1.0


def ciou(counts: ArrayLike, *, seed: int = 0) -> Interval:
    """cIoU (also oIoU): sum of intersections over sum of unions, over the whole data set.

    Large objects weigh more. The interval is a bootstrap over the rows.

    Args:
        counts: (images, 2), each row (intersection, union) in pixels.
        seed: of the bootstrap.
    """
    return bootstrap(_counts(counts), ratio_of_sums, seed=seed)


def giou(counts: ArrayLike, *, seed: int = 0) -> Interval:
    """gIoU of referring segmentation (also mIoU): mean IoU per image, an empty union counts 1.

    NOT Generalised IoU.

    Args:
        counts: (images, 2), each row (intersection, union) in pixels.
        seed: of the bootstrap.
    """
    values = _counts(counts)
    ious = np.divide(values[:, 0], values[:, 1], out=np.ones(len(values)), where=values[:, 1] > 0)
    return bootstrap(ious, seed=seed)


def _counts(counts: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or len(values) == 0:
        raise BadSampleError(
            f"Counts are rows of (intersection, union), one at least, got shape {values.shape}."
        )
    return values


def contains(target: Box | NDArray[np.bool_], point: tuple[float, float] | None) -> bool:
    """Pointing: whether (x, y) in float pixels lies in a box (far edges exclusive) or on a mask."""
    if point is None:
        return False
    x, y = point
    if isinstance(target, np.ndarray):
        height, width = target.shape
        return 0 <= x < width and 0 <= y < height and bool(target[int(y), int(x)])
    return bool(target[0] <= x < target[2] and target[1] <= y < target[3])


def enrichment(
    weights: ArrayLike, coverage: NDArray[np.float64], areas: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Attention inside the object over the object's share of the area; 1 is chance.

    Tokens that lie on padding alone do not count. 0 where the object was not seen or no attention
    lies on the image.

    Args:
        weights: float (..., tokens), attention.
        coverage: float (tokens,), the share of each cell's visible area inside the object.
        areas: float (tokens,), visible area of each cell in pixels.

    Returns:
        float (...).
    """
    values = np.asarray(weights, dtype=np.float64)
    inside, total = values @ coverage, values @ (areas > 0).astype(np.float64)
    share = float(coverage @ areas) / float(areas.sum()) if areas.sum() > 0 else 0.0
    expected = total * share
    return np.divide(inside, expected, out=np.zeros_like(inside), where=expected > 0)


def accuracy_at(
    ious: Sequence[float],
    threshold: float = 0.5,
    images: Sequence[object] | None = None,
    *,
    seed: int = 0,
) -> Interval:
    """Acc@threshold of referring expression comprehension: share of SENTENCES with IoU >= threshold."""
    return mean_over_images(np.asarray(ious) >= threshold, images, seed=seed)


def mean_over_images(
    values: ArrayLike, images: Sequence[object] | None = None, *, seed: int = 0
) -> Interval:
    """Mean over samples, with an interval from resampling IMAGES.

    Sentences on one image fail together; resampling them one by one would make the interval too
    narrow.

    Args:
        values: float (samples,).
        images: which image each sample is on; None: each its own.
        seed: of the bootstrap.
    """
    samples = np.asarray(values, dtype=np.float64)
    if images is None:
        return bootstrap(samples, seed=seed)
    numbers = {image: index for index, image in enumerate(dict.fromkeys(images))}
    groups = np.array([numbers[image] for image in images], dtype=np.int64)
    sums = np.bincount(groups, samples, minlength=len(numbers))
    counts = np.bincount(groups, minlength=len(numbers))
    return bootstrap_ratios(sums[:, None], counts, seed=seed)[0]
