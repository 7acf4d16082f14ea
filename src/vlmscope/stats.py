"""Error bars: percentile bootstrap intervals, without loops over the resamples; intervals of shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "Interval",
    "Statistic",
    "bootstrap",
    "bootstrap_ratios",
    "bootstrap_sums",
    "clustered_share",
    "mean",
    "ratio_of_sums",
    "wilson",
]


RESAMPLES = 1000
"""How often samples are drawn anew."""

LEVEL = 0.95
"""Share of the resamples inside an interval."""


Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes (resamples, n) or (resamples, n, k) values, or (resamples, k) sums, and returns one number per
resample."""

_CHUNK = 1 << 22  # values drawn at a time: 32 MB of float64


class Interval(NamedTuple):
    """A score with its bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self) -> str:
        """Written with signs, as a difference is."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the samples: (resamples, n) -> (resamples,)."""
    result: NDArray[np.float64] = values.mean(axis=1)
    return result


def ratio_of_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of column 0 over sum of column 1: (resamples, n, 2) -> (resamples,).

    With (intersection, union) columns this is the cIoU. A resample whose denominator is 0 gives 0.
    """
    sums = values.sum(axis=1)
    zero = np.zeros(len(sums))
    result: NDArray[np.float64] = np.divide(sums[:, 0], sums[:, 1], out=zero, where=sums[:, 1] != 0)
    return result


def bootstrap(
    values: ArrayLike,
    statistic: Statistic = mean,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """A statistic of independent samples with its percentile bootstrap interval.

    Samples are drawn with replacement as often as there are samples; the interval holds the
    central ``level`` of the resampled statistic (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: float (n,), or (n, k) for a statistic of several numbers per sample.
        statistic: see :data:`Statistic`; the mean of (n,) values by default.
        resamples: how many draws.
        seed: of the draws; the same seed gives the same interval.
        level: share of the resamples inside the interval, between 0 and 1.

    Raises:
        BadSampleError: no sample, a value that is not finite, a wrong shape, or resamples or
            level out of range.
    """
    samples = _checked(values, resamples, level)
    if samples.ndim == 2 and statistic is mean:
        raise BadSampleError(
            f"The mean takes one number per sample, got shape {samples.shape}. "
            "Pass a statistic of (resamples, n, k) values."
        )
    rng = np.random.default_rng(seed)
    count = len(samples)
    step = max(1, _CHUNK // samples.size)
    drawn = [
        statistic(samples[rng.integers(0, count, size=(min(step, resamples - start), count))])
        for start in range(0, resamples, step)
    ]
    value = float(statistic(samples[None])[0])
    return _interval(value, np.concatenate(drawn), level)


def bootstrap_ratios(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[Interval, ...]:
    """Ratios of sums of many columns at once, all under the same resamples.

    Args:
        numerators: float (n, k).
        denominators: float (n,), shared by the columns; ones give the columns' means.
        resamples, seed, level: as in :func:`bootstrap`.

    Returns:
        One interval per column. A resample whose denominators sum to 0 gives 0.

    Raises:
        BadSampleError: as in :func:`bootstrap`, or lengths that differ.
    """
    top = _checked(numerators, resamples, level)
    bottom = _checked(denominators, resamples, level)
    if top.ndim != 2 or bottom.ndim != 1 or len(top) != len(bottom):
        raise BadSampleError(
            f"Numerators must be (n, k) and denominators (n,), got {top.shape} and {bottom.shape}."
        )
    # how often each sample is drawn says as much as which samples were drawn, in one product
    count = len(top)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    sums = draws @ bottom
    ratios = np.divide(draws @ top, sums[:, None], out=np.zeros((resamples, top.shape[1])),
                       where=sums[:, None] != 0)  # fmt: skip
    total = bottom.sum()
    values = top.sum(axis=0) / total if total else np.zeros(top.shape[1])
    low, high = np.quantile(ratios, _tails(level), axis=0)
    return tuple(Interval(*map(float, triple)) for triple in zip(values, low, high, strict=True))


def bootstrap_sums(
    values: ArrayLike,
    statistic: Statistic,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """A function of the data set's sums, with its percentile bootstrap interval.

    :func:`bootstrap` copies every drawn sample; with some hundred counts per image
    that is gigabytes. How often each image is drawn says as much, and sums are then one product.

    Args:
        values: float (images, k).
        statistic: sums (resamples, k) -> (resamples,).
        resamples, seed, level: as in :func:`bootstrap`.

    Raises:
        BadSampleError: as in :func:`bootstrap`.
    """
    samples = _checked(values, resamples, level)
    if samples.ndim != 2:
        raise BadSampleError(
            f"A bootstrap of sums needs numbers of shape (images, k), got shape {samples.shape}."
        )
    count, width = samples.shape
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(count, width))
    drawn = []
    for start in range(0, resamples, step):
        draws = rng.multinomial(count, np.full(count, 1 / count), min(step, resamples - start))
        drawn.append(statistic(draws @ samples))
    value = float(statistic(samples.sum(axis=0)[None])[0])
    return _interval(value, np.concatenate(drawn), level)


def wilson(share: float, count: float, level: float = LEVEL) -> Interval:
    """A share with Wilson's interval (1927), which is wider than nothing where the share is 0 or 1.

    Args:
        share: 0..1.
        count: of independent samples, above 0; need not be whole.
        level: how often the interval is to hold the true share.

    Raises:
        BadSampleError: a value out of range.
    """
    if not (0 <= share <= 1 and count > 0 and 0 < level < 1):
        raise BadSampleError(
            f"A share is 0..1 of more than 0 samples and a level between 0 and 1, got {share} of {count} "
            f"at {level}."
        )
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    scale = 1 + z * z / count
    return Interval(share, max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


def clustered_share(
    hits: ArrayLike, weights: ArrayLike, clusters: ArrayLike, *, level: float = LEVEL
) -> Interval:
    """A weighted share of samples that come in clusters, with an interval that knows of both.

    Wilson's interval for as many independent samples as have the share's variance, which is that of the
    ratio of the clusters' sums, linearised (Korn and Graubard 1998); never for more than there are. Where
    all samples agree the variance says nothing, and every cluster counts as one sample, by its weight.

    Args:
        hits: bool (n,).
        weights: float (n,), above 0: how many samples of the population each stands for.
        clusters: (n,), equal for samples that are not independent: of one image, for example.
        level: how often the interval is to hold the population's share.

    Raises:
        BadSampleError: no sample, lengths that differ, or a weight that is not above 0.
    """
    hit = np.asarray(hits, dtype=np.float64)
    weight = np.asarray(weights, dtype=np.float64)
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    if hit.ndim != 1 or not len(hit) or hit.shape != weight.shape or len(numbers) != len(hit):
        raise BadSampleError(
            f"A share needs samples, each with a weight and a cluster, got {hit.shape}, {weight.shape} and "
            f"{numbers.shape}."
        )
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise BadSampleError("The weights of a share are finite and above 0.")
    total = weight.sum()
    share = min(float((weight * hit).sum() / total), 1.0)
    count = int(numbers.max()) + 1
    sums = np.bincount(numbers, weight * (hit - share), count)
    variance = (sums**2).sum() / total**2 * count / max(1, count - 1)
    spread = share * (1 - share)
    if spread > 1e-12 and variance > 1e-12 * spread:
        effective = min(spread / variance, len(hit))
    else:
        effective = total**2 / (np.bincount(numbers, weight, count) ** 2).sum()
    return wilson(share, float(effective), level)


def _checked(values: ArrayLike, resamples: int, level: float) -> NDArray[np.float64]:
    samples = np.asarray(values, dtype=np.float64)
    if samples.ndim not in (1, 2) or samples.size == 0:
        raise BadSampleError(
            f"A bootstrap needs at least one sample, as (n,) or (n, k), got shape {samples.shape}."
        )
    if not np.isfinite(samples).all():
        raise BadSampleError("A bootstrap needs finite values, got NaN or infinity among them.")
    if resamples < 1 or not 0 < level < 1:
        raise BadSampleError(
            f"resamples must be at least 1 and level between 0 and 1, got {resamples} and {level}."
        )
    return samples


def _interval(value: float, drawn: NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(drawn, _tails(level))
    return Interval(value, float(low), float(high))


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
