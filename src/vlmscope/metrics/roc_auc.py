"""How well a score tells present from absent: area under the ROC curve, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.paired import DrawnScore
from vlmscope.stats import LEVEL, RESAMPLES, Interval

__all__ = ["AreaScore", "roc_auc"]

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
    values, is_present = np.asarray(scores, dtype=np.float64), np.asarray(present, dtype=bool)
    if values.ndim != 1 or values.shape != is_present.shape or len(images) != len(values):
        raise BadSampleError(
            f"Scores, truth and images must be of one length, got {values.shape}, {is_present.shape} and "
            f"{len(images)}."
        )
    if not np.isfinite(values).all() or is_present.all() or not is_present.any():
        raise BadSampleError(
            "A ROC curve needs finite scores of present and of absent objects, got "
            f"{int(is_present.sum())} present among {len(values)}."
        )
    numbers = {image: index for index, image in enumerate(dict.fromkeys(images))}
    pairs = _Pairs.of(values, is_present, np.array([numbers[image] for image in images]))
    count, step = len(numbers), max(1, _CHUNK // len(values))
    value = float(pairs.areas(np.ones((1, count), dtype=np.int64))[0])
    rng, even = np.random.default_rng(seed), np.full(count, 1 / count)
    drawn = np.concatenate(
        [
            pairs.areas(rng.multinomial(count, even, min(step, resamples - start)))
            for start in range(0, resamples, step)
        ]
    )
    low, high = np.quantile(drawn[np.isfinite(drawn)], ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high))


@dataclass(frozen=True, eq=False)
class AreaScore(DrawnScore):
    """The area under the ROC curve as a function of the images drawn; NaN without both kinds.

    Attributes:
        metric, images: see :class:`vlmscope.metrics.paired.DrawnScore`.
        scores: float (n,).
        present: bool (n,).
        groups: int (n,), the place of each score's image in ``images``.
    """

    metric: str
    images: tuple[str, ...]
    scores: NDArray[np.float64] = field(repr=False)
    present: NDArray[np.bool_] = field(repr=False)
    groups: NDArray[np.int64] = field(repr=False)

    @property
    def width(self) -> int:
        return len(self.scores)

    def of(self, draws: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._pairs.areas(draws)

    def mixed(self, other: DrawnScore, own: NDArray[np.bool_]) -> AreaScore:
        assert isinstance(other, AreaScore)  # of the same metric
        return replace(self, scores=np.where(own[self.groups], self.scores, other.scores))

    @cached_property
    def _pairs(self) -> _Pairs:
        return _Pairs.of(self.scores, self.present, self.groups)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Absent ones in the order of their scores, and where present ones fall among them.

    Attributes:
        absent: int (absent,), the image of each absent one, ascending by score.
        present: int (present,), the image of each present one.
        below, up_to: int (present,), how many absent ones score less, and less or as much.
    """

    absent: NDArray[np.int64]
    present: NDArray[np.int64]
    below: NDArray[np.int64]
    up_to: NDArray[np.int64]

    @classmethod
    def of(
        cls, values: NDArray[np.float64], is_present: NDArray[np.bool_], groups: NDArray[np.int64]
    ) -> _Pairs:
        order = np.argsort(values[~is_present])
        ranked = values[~is_present][order]
        return cls(
            groups[~is_present][order],
            groups[is_present],
            np.searchsorted(ranked, values[is_present], side="left"),
            np.searchsorted(ranked, values[is_present], side="right"),
        )

    def areas(self, draws: NDArray[np.int64]) -> NDArray[np.float64]:
        """Areas when images count as often as drawn (resamples, images); NaN without both kinds."""
        negative = np.zeros((len(draws), len(self.absent) + 1), dtype=np.int64)
        np.cumsum(draws[:, self.absent], axis=1, out=negative[:, 1:])
        positive = draws[:, self.present]
        beaten = (negative[:, self.below] + negative[:, self.up_to]) / 2
        pairs = positive.sum(axis=1) * negative[:, -1]
        won = (positive * beaten).sum(axis=1)
        return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
