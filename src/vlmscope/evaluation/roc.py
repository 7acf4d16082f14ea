"""How well a score tells present from absent: area under the ROC curve, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.resampling import LEVEL, RESAMPLES
from vlmscope.types import Interval

__all__ = ["roc_auc"]

_CHUNK = 1 << 22  # weights held at a time


def roc_auc(
    scores: ArrayLike,
    present: ArrayLike,
    images: Sequence[object],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The chance that a present object scores above an absent one, ties counting half.

    Pairs are over the whole data set, so scores have to be comparable between images. The interval
    is a percentile bootstrap over images; resamples without both kinds are left out.

    Args:
        scores: float (n,).
        present: bool (n,).
        images: which image each score is on, (n,).
        resamples, seed, level: as in :mod:`vlmscope.stats`.

    Raises:
        BadSampleError: lengths that differ, a score that is not finite, or one kind only.
    """
    values, there = np.asarray(scores, dtype=np.float64), np.asarray(present, dtype=bool)
    if values.ndim != 1 or values.shape != there.shape or len(images) != len(values):
        raise BadSampleError(
            f"Scores, truth and images must be of one length, got {values.shape}, {there.shape} and "
            f"{len(images)}."
        )
    if not np.isfinite(values).all() or there.all() or not there.any():
        raise BadSampleError(
            "A ROC curve needs finite scores of present and of absent objects, got "
            f"{int(there.sum())} present among {len(values)}."
        )
    numbers = {image: index for index, image in enumerate(dict.fromkeys(images))}
    groups = np.array([numbers[image] for image in images])
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])  # of runs of equal scores
    there, groups = there[order], groups[order]

    value = float(_areas(np.ones((1, len(numbers))), there, groups, starts)[0])
    rng = np.random.default_rng(seed)
    even, step = np.full(len(numbers), 1 / len(numbers)), max(1, _CHUNK // len(values))
    drawn = np.concatenate(
        [
            _areas(
                rng.multinomial(len(numbers), even, min(step, resamples - start)).astype(float),
                there,
                groups,
                starts,
            )
            for start in range(0, resamples, step)
        ]
    )
    low, high = np.quantile(drawn[np.isfinite(drawn)], ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high))


def _areas(
    weights: NDArray[np.float64],
    there: NDArray[np.bool_],
    groups: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Areas under weights (resamples, images): (resamples,), NaN where one kind is missing."""
    each = weights[:, groups]
    positive = np.add.reduceat(each * there, starts, axis=1)
    negative = np.add.reduceat(each * ~there, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    above = (positive * below).sum(axis=1)
    return np.divide(above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
