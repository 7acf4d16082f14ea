"""Bootstrap over images of statistics that depend on sums, however many numbers an image has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.types import Interval

__all__ = ["LEVEL", "RESAMPLES", "bootstrap_sums"]

RESAMPLES = 1000
LEVEL = 0.95
"""As in :mod:`vlmscope.stats`."""

_CHUNK = 1 << 22  # numbers held at a time


def bootstrap_sums(
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """A function of the data set's sums, with its percentile bootstrap interval.

    :func:`vlmscope.stats.bootstrap` copies every drawn sample; with some hundred counts per image
    that is gigabytes. How often each image is drawn says as much, and sums are then one product.

    Args:
        values: float (images, k).
        statistic: sums (resamples, k) -> (resamples,).
        resamples: how many draws.
        seed: of the draws.
        level: share of the resamples inside the interval, between 0 and 1.

    Raises:
        BadSampleError: no image, a wrong shape, or a value that is not finite.
    """
    samples = np.asarray(values, dtype=np.float64)
    if samples.ndim != 2 or samples.size == 0 or not np.isfinite(samples).all():
        raise BadSampleError(
            "A bootstrap of sums needs finite numbers of shape (images, k) for one image at least, "
            f"got shape {samples.shape}."
        )
    count, width = samples.shape
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(count, width))
    drawn = []
    for start in range(0, resamples, step):
        draws = rng.multinomial(count, np.full(count, 1 / count), min(step, resamples - start))
        drawn.append(statistic(draws @ samples))
    value = float(statistic(samples.sum(axis=0)[None])[0])
    low, high = np.quantile(np.concatenate(drawn), ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high))
