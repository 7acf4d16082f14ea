"""Semantic segmentation by ONE confusion matrix over the data set.

A mean of per-image IoUs is another metric, and a kinder one; nothing here averages over images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.stats import Interval, bootstrap_sums

__all__ = [
    "class_ious",
    "class_sums",
    "confusion_counts",
    "confusion_matrix",
    "mean_iou",
    "mean_of_ious",
    "mean_of_true",
    "mean_of_union",
    "pixel_accuracy",
    "pixel_sums",
    "share_of_right",
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
    return bootstrap_sums(pixel_sums(images), share_of_right, seed=seed)


def pixel_sums(images: Sequence[Counts]) -> NDArray[np.float64]:
    """Float (images, 2): pixels whose class is right, and all that count."""
    right = [sum(n for true, predicted, n in counts if true == predicted) for counts in images]
    every = [sum(n for _, _, n in counts) for counts in images]
    return np.stack([right, every], axis=1).astype(np.float64)


def mean_iou(
    images: Sequence[Counts], classes: int, *, only_true: bool = False, seed: int = 0
) -> Interval:
    """mIoU: mean IoU over the classes that have true or predicted pixels, as mmseg counts.

    The interval is a bootstrap over images: every resample has a confusion matrix of its own, and
    its mean is over the classes that count in that resample (:func:`mean_of_union`).

    Args:
        images: confusion counts of each image, those without a pixel that counts included.
        classes: how many there are.
        only_true: the mean is over the classes that have true pixels.
        seed: of the bootstrap.

    Raises:
        BadSampleError: no image.
    """
    sums = class_sums(images, classes)
    return bootstrap_sums(sums, mean_of_true if only_true else mean_of_union(sums), seed=seed)


def class_sums(images: Sequence[Counts], classes: int) -> NDArray[np.float64]:
    """Float (images, 3 * classes): right, true and predicted pixels of each class in each image.

    That is all that mIoU needs of a confusion matrix.
    """
    sums = np.zeros((len(images), 3, classes))
    for row, counts in enumerate(images):
        for true, predicted, pixels in counts:
            sums[row, 0, true] += pixels * (true == predicted)
            sums[row, 1, true] += pixels
            sums[row, 2, predicted] += pixels
    return sums.reshape(len(images), 3 * classes)


def mean_of_union(
    table: NDArray[np.float64],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Mean IoU over the classes whose union is not empty, mmseg's ``nanmean``, as a function of sums.

    A class that is true in some of the images, but in none of those that were drawn, is left out of that
    draw: what is predicted of it there would count 0, and draws of the same images would score less than
    the images do. One that is true nowhere counts 0 wherever it is predicted.

    Args:
        table: (images, 3 * classes) of all images, as :func:`class_sums` has them.

    Returns:
        From sums of drawn images, (n, 3 * classes), to (n,); 0 where no class counts.
    """
    nowhere = np.split(table.sum(axis=0), 3)[1] == 0

    def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        right, true, predicted = np.split(sums, 3, axis=1)
        counted = (true > 0) | (nowhere & (predicted > 0))
        union = true + predicted - right
        ious = np.divide(right, union, out=np.zeros(union.shape), where=counted)
        over: NDArray[np.float64] = ious.sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
        return over

    return mean


def mean_of_true(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean IoU over the classes that have true pixels; 0 where none has: sums (n, 3 * classes) -> (n,)."""
    return mean_of_ious(*np.split(sums, 3, axis=1))


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


def share_of_right(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of :func:`pixel_sums`, (n, 2) -> (n,); 0 where no pixel counts."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)
