"""Two scores of the same images, held against each other: ratio and difference, paired.

Scores of two methods on the same images rise and fall together, so the interval of their difference is
narrower than that of either. Both are worked out anew for the same drawn images.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.stats import LEVEL, RESAMPLES, Interval

__all__ = [
    "DrawnScore",
    "Paired",
    "SummedScore",
    "interval_of",
    "paired",
    "resampled",
    "summed_scores",
]

_CHUNK = 1 << 22  # values held at a time


class DrawnScore(ABC):
    """A score as a function of how often each image counts.

    Attributes:
        metric: its name.
        images: ids, in the order of the draws' columns.
    """

    metric: str
    images: tuple[str, ...]

    @property
    @abstractmethod
    def width(self) -> int:
        """How many values one draw takes."""

    @abstractmethod
    def of(self, draws: NDArray[np.int64]) -> NDArray[np.float64]:
        """Draws (n, images) -> (n,); NaN where a draw has no such score."""

    @abstractmethod
    def mixed(self, other: DrawnScore, own: NDArray[np.bool_]) -> DrawnScore:
        """The same score with this run's answers on some images and another's on the rest.

        Args:
            other: of the same metric and images.
            own: bool (images,), which answers are this run's.
        """


@dataclass(frozen=True, eq=False)
class SummedScore(DrawnScore):
    """A function of sums over images.

    Attributes:
        metric, images: see :class:`DrawnScore`.
        table: float (images, k), what each image adds.
        statistic: sums (n, k) -> (n,).
    """

    metric: str
    images: tuple[str, ...]
    table: NDArray[np.float64] = field(repr=False)
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] = field(repr=False)

    @property
    def width(self) -> int:
        return max(self.table.shape)

    def of(self, draws: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.statistic(draws @ self.table)

    def mixed(self, other: DrawnScore, own: NDArray[np.bool_]) -> SummedScore:
        assert isinstance(other, SummedScore)  # of the same metric
        table = np.where(own[:, None], self.table, other.table)
        return SummedScore(self.metric, self.images, table, self.statistic)


def summed_scores(
    sums: ImageSums, metrics: Sequence[str], over: str = SENTENCES
) -> list[SummedScore]:
    """Columns of sums over another column, as :meth:`ImageSums.scores` has them."""
    images = tuple(map(str, sums.images))
    return [
        SummedScore(metric, images, np.stack([sums[metric], sums[over]], axis=1), _quotient)
        for metric in metrics
    ]


def _quotient(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums (n, 2) -> (n,), NaN where there is nothing below the line."""
    nothing = np.full(len(sums), np.nan)
    return np.divide(sums[:, 0], sums[:, 1], out=nothing, where=sums[:, 1] > 0)


@dataclass(frozen=True)
class Paired:
    """One score held against another of the same images.

    Attributes:
        ratio: one over the other; None where the other is 0 or there is no score.
        difference: one less the other; None where there is no score.
    """

    ratio: Interval | None
    difference: Interval | None

    @classmethod
    def of(
        cls, ones: NDArray[np.float64], twos: NDArray[np.float64], level: float = LEVEL
    ) -> Paired:
        """From both scores under the same draws (:func:`resampled`).

        Draws in which a score does not exist, or in which the second is 0 (for the ratio), are left out
        of the interval.
        """
        if not (np.isfinite(ones[0]) and np.isfinite(twos[0])):
            return cls(None, None)
        difference = interval_of(ones - twos, level)
        if not twos[0] > 0:
            return cls(None, difference)
        ratios = np.divide(ones, twos, out=np.full(len(ones), np.nan), where=twos > 0)
        return cls(interval_of(ratios, level), difference)


def paired(first: DrawnScore, second: DrawnScore, *, seed: int = 0) -> Paired:
    """Ratio and difference of two scores, both worked out anew for the same drawn images.

    Args:
        first, second: of the same images in the same order.
        seed: of the draws; the single scores' own intervals have the same draws.

    Raises:
        BadSampleError: scores of different images.
    """
    if first.images != second.images:
        raise BadSampleError(
            f"{first.metric} is compared image by image, and the two runs have scores on different "
            f"images ({len(first.images):,} and {len(second.images):,})."
        )
    return Paired.of(resampled(first, seed=seed), resampled(second, seed=seed))


def resampled(
    score: DrawnScore,
    *,
    seed: int = 0,
    only: NDArray[np.bool_] | None = None,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """The score itself, then that of every resample: float (1 + resamples,), NaN where there is none.

    Args:
        score: see :class:`DrawnScore`.
        seed: of the draws, which are the same for all scores of as many images.
        only: bool (images,), which images are drawn from; None: all.
        resamples: how many draws.
    """
    kept = np.arange(len(score.images)) if only is None else np.flatnonzero(only)
    if not len(kept):
        return np.full(1 + resamples, np.nan)
    rng, even = np.random.default_rng(seed), np.full(len(kept), 1 / len(kept))
    step = max(1, _CHUNK // max(1, score.width))
    values = [score.of(_counted(score, kept, np.ones((1, len(kept)), dtype=np.int64)))]
    for start in range(0, resamples, step):
        draws = rng.multinomial(len(kept), even, min(step, resamples - start))
        values.append(score.of(_counted(score, kept, draws)))
    return np.concatenate(values)


def interval_of(values: NDArray[np.float64], level: float = LEVEL) -> Interval | None:
    """From values of :func:`resampled`; None where the score itself is none."""
    if not np.isfinite(values[0]):
        return None
    drawn = values[np.isfinite(values)]
    drawn = drawn[1:] if len(drawn) > 1 else drawn  # the first is the score itself
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(values[0]), float(low), float(high))


def _counted(
    score: DrawnScore, kept: NDArray[np.intp], draws: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Draws of some images as draws of all, of which the others count nothing."""
    counts = np.zeros((len(draws), len(score.images)), dtype=np.int64)
    counts[:, kept] = draws
    return counts
