"""Semantic segmentation by ONE confusion matrix over the data set.

A mean of per-image IoUs is another metric, and a kinder one; nothing here averages over images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.stats import Interval, bootstrap_sums

__all__ = [
    "class_ious",
    "confusion_counts",
    "confusion_matrix",
    "mean_iou",
    "mean_of_ious",
    "pixel_accuracy",
]

Counts = Sequence[Sequence[int]]
"""Rows of (true class, predicted class, pixels)."""


def confusion_counts(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> list[list[int]]:
    """The entries of one image's confusion matrix that are not 0.

    Args:
        truth: int (pixels,) or (height, width), true classes; negative ones are ignored.
        predicted: the same shape; only looked at where the truth counts.
        classes: how many there are.

    Returns:
        Rows ``[true class, predicted class, pixels]``, ascending.

    Raises:
        BadSampleError: shapes that differ, or a class out of range.
    """
    if truth.shape != predicted.shape:
        raise BadSampleError(
            f"Truth and prediction must have one shape, got {truth.shape} and {predicted.shape}."
        )
    counts = truth >= 0
    true, best = truth[counts].astype(np.int64), predicted[counts].astype(np.int64)
    for name, values in (("truth", true), ("prediction", best)):
        if values.size and not 0 <= values.min() <= values.max() < classes:
            raise BadSampleError(
                f"The {name} holds classes from {values.min()} to {values.max()}; there are "
                f"{classes}, from 0 to {classes - 1}."
            )
    flat = np.bincount(true * classes + best, minlength=classes * classes)
    return [[int(i) // classes, int(i) % classes, int(flat[i])] for i in np.flatnonzero(flat)]


def confusion_matrix(images: Sequence[Counts], classes: int) -> NDArray[np.int64]:
    """Int64 (classes, classes): pixels of all images; rows are true classes, columns predictions."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    for counts in images:
        for true, predicted, pixels in counts:
            matrix[true, predicted] += pixels
    return matrix


def class_ious(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Float (classes,): diagonal / (row + column - diagonal); NaN for a class without true pixels."""
    return _ious(np.diag(matrix)[None], matrix.sum(axis=1)[None], matrix.sum(axis=0)[None])[0]


def pixel_accuracy(images: Sequence[Counts], *, seed: int = 0) -> Interval:
    """Share of the pixels that count whose class is right, with a bootstrap over images."""
    right = [sum(n for true, predicted, n in counts if true == predicted) for counts in images]
    every = [sum(n for _, _, n in counts) for counts in images]
    return bootstrap_sums(np.stack([right, every], axis=1), _ratio, seed=seed)


def mean_iou(images: Sequence[Counts], classes: int, *, seed: int = 0) -> Interval:
    """mIoU: mean of :func:`class_ious` over the classes that have true pixels.

    The interval is a bootstrap over images: every resample has a confusion matrix of its own, and
    its mean is over the classes present in that resample.

    Args:
        images: confusion counts of each image, those without a pixel that counts included.
        classes: how many there are.
        seed: of the bootstrap.

    Raises:
        BadSampleError: no image.
    """
    # right, true and predicted pixels are all that the matrix is needed for
    sums = np.zeros((len(images), 3, classes))
    for row, counts in enumerate(images):
        for true, predicted, pixels in counts:
            sums[row, 0, true] += pixels * (true == predicted)
            sums[row, 1, true] += pixels
            sums[row, 2, predicted] += pixels

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return mean_of_ious(*np.moveaxis(drawn.reshape(-1, 3, classes), 1, 0))

    return bootstrap_sums(sums.reshape(len(images), 3 * classes), statistic, seed=seed)


def mean_of_ious(
    right: NDArray[np.number], true: NDArray[np.number], predicted: NDArray[np.number]
) -> NDArray[np.float64]:
    """Mean IoU of each row over the classes that have true pixels in it; 0 where none has.

    Args:
        right, true, predicted: (n, classes), pixels of the diagonal, of the rows and of the columns
            of n confusion matrices.

    Returns:
        float (n,).
    """
    ious = _ious(right, true, predicted)
    present = np.isfinite(ious)
    mean: NDArray[np.float64] = np.where(present, ious, 0).sum(axis=1)
    return mean / np.maximum(present.sum(axis=1), 1)


def _ious(
    right: NDArray[np.number], true: NDArray[np.number], predicted: NDArray[np.number]
) -> NDArray[np.float64]:
    """(n, classes) each -> (n, classes), NaN where nothing is true."""
    union = (true + predicted - right).astype(np.float64)
    return np.divide(right, union, out=np.full(union.shape, np.nan), where=true > 0)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)
