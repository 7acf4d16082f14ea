"""Overlap of masks in pixels, and its two means (docs/evaluation.md, Metrics)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.stats import Interval, bootstrap, ratio_of_sums

__all__ = ["ciou", "giou", "intersection_union", "mask_iou"]


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
        BadSampleError: masks of different sizes, or not bool.
    """
    masks = [mask for mask in (predicted, truth, ignore) if mask is not None]
    kinds = {str(np.asarray(mask).dtype) for mask in masks} - {"bool"}
    if kinds:
        raise BadSampleError(
            f"Masks to compare must be bool, got {', '.join(sorted(kinds))}. "
            "Say which pixels are the object's, for example with labels == 1."
        )
    shapes = {mask.shape for mask in masks}
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
