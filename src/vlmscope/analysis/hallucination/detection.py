"""How well a sign tells imagined mentions from real ones: areas, and F1 on the other half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.metrics.paired import paired
from vlmscope.metrics.roc_auc import AreaScore, roc_auc
from vlmscope.stats import LEVEL, Interval, bootstrap_ratios

__all__ = ["Mentions", "average_precision", "base_rates"]

_RESAMPLES = 1_000


class Mentions:
    """Mentions in a row.

    Args:
        real: bool (n,).
        images: which image each is on.
    """

    def __init__(self, real: Sequence[bool], images: Sequence[Any]) -> None:
        self.real = np.array(real, dtype=bool)
        self.images = list(images)
        numbers = {image: index for index, image in enumerate(dict.fromkeys(images))}
        self.groups = np.array([numbers[image] for image in images], dtype=np.int64)
        self.count = len(numbers)

    @property
    def both(self) -> bool:
        """Whether there are real ones and imagined ones."""
        return bool(self.real.any() and not self.real.all())

    @property
    def first_half(self) -> NDArray[np.bool_]:
        """Bool (n,): those on every other image."""
        return self.groups % 2 == 0

    def among(self, chosen: NDArray[np.bool_]) -> Mentions:
        """Some of them; ``chosen``: bool (n,)."""
        images = [image for image, mine in zip(self.images, chosen, strict=True) if mine]
        return Mentions(self.real[chosen].tolist(), images)

    def area(self, values: NDArray[np.float64], seed: int) -> Interval:
        """AUROC: the chance that a real mention scores above an imagined one."""
        return roc_auc(values, self.real, self.images, seed=seed)

    def area_beyond(
        self, values: NDArray[np.float64], control: NDArray[np.float64], seed: int
    ) -> Interval:
        """How much larger the area is than a control's, over the same draws of images."""
        difference = paired(self._area(values), self._area(control), seed=seed).difference
        assert difference is not None  # there are real ones and imagined ones
        return difference

    def precision(self, values: NDArray[np.float64], seed: int) -> Interval:
        """AUPRC with the imagined as what is looked for; chance is their share."""
        weights = np.ones((1, len(values)))
        drawn = self._draws(seed)[:, self.groups]
        found = average_precision(-values, ~self.real, np.concatenate([weights, drawn]))
        return _interval(float(found[0]), found[1:])

    def f1(self, values: NDArray[np.float64], seed: int) -> Interval:
        """F1 of the imagined: those at or below a threshold that was chosen on the other half."""
        called = np.zeros(len(values), dtype=bool)
        for half in (self.first_half, ~self.first_half):
            called[half] = values[half] <= _threshold(values[~half], ~self.real[~half])
        hit = called & ~self.real
        top = np.bincount(self.groups, weights=2.0 * hit, minlength=self.count)
        bottom = np.bincount(
            self.groups, weights=called.astype(float) + ~self.real, minlength=self.count
        )
        [interval] = bootstrap_ratios(top[:, None], bottom, seed=seed)
        return interval

    def _area(self, values: NDArray[np.float64]) -> AreaScore:
        ids = tuple(map(str, dict.fromkeys(self.images)))
        return AreaScore("AUROC", ids, values, self.real, self.groups)

    def _draws(self, seed: int) -> NDArray[np.int64]:
        rng = np.random.default_rng(seed)
        return rng.multinomial(self.count, np.full(self.count, 1 / self.count), _RESAMPLES)


def base_rates(names: Sequence[str], mentions: Mentions) -> NDArray[np.float64]:
    """For every mention (real + 1) / (all + 2) over the mentions of its object in the other half."""
    labels, half = np.array(names), mentions.first_half
    rates = np.zeros(len(labels))
    for mine in (half, ~half):
        for name in set(labels[mine]):
            others = mentions.real[~mine & (labels == name)]
            rates[mine & (labels == name)] = (others.sum() + 1) / (len(others) + 2)
    return rates


def average_precision(
    values: NDArray[np.float64], wanted: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under precision and recall, ties taken together: float (k,); NaN where none is wanted.

    Args:
        values: float (n,): more is found first.
        wanted: bool (n,).
        weights: float (k, n): how often each counts.
    """
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)  # the end of each run of ties
    taken = weights[:, order].astype(float)
    hits, called = np.cumsum(taken * wanted[order], axis=1), np.cumsum(taken, axis=1)
    hits, called = hits[:, last], called[:, last]
    total = hits[:, -1]
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    gained = np.diff(hits, axis=1, prepend=0.0)
    summed = (precision * gained).sum(axis=1)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


def _threshold(values: NDArray[np.float64], imagined: NDArray[np.bool_]) -> float:
    """The value at or below which calling mentions imagined has the best F1; none: nothing is."""
    if not imagined.any():
        return -np.inf
    levels = np.unique(values)
    called = values[None] <= levels[:, None]
    hits = (called & imagined).sum(axis=1)
    scores = 2 * hits / (called.sum(axis=1) + imagined.sum())
    return float(levels[int(scores.argmax())])


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    kept = drawn[np.isfinite(drawn)]
    low, high = np.quantile(kept, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(value, float(low), float(high))
