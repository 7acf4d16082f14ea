"""Which objects are looked at: by score and warning, and spread over the phrases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Stratum", "allocated", "drawn_rows", "stratified"]

BINS = 5
"""Score bins with as many objects each as ties allow."""

_LEAST = 2  # of every stratum, where the sample is large enough


@dataclass(frozen=True)
class Stratum:
    """Objects that are sampled together, each with the same chance.

    Attributes:
        bin: number of its score bin, the lowest first; :data:`BINS`: objects without a score.
        low: the lowest score in it; None: objects without a score.
        high: the highest.
        warned: whether they have a warning.
        objects: how many there are.
        drawn: how many of them are looked at.
    """

    bin: int
    low: float | None
    high: float | None
    warned: bool
    objects: int
    drawn: int

    @property
    def weight(self) -> float:
        """How many objects each that is looked at stands for; 0: none is."""
        return self.objects / self.drawn if self.drawn else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        scores = {"bin": self.bin, "low": self.low, "high": self.high}
        return {**scores, "warned": self.warned, "objects": self.objects, "drawn": self.drawn}


def stratified(
    scores: NDArray[np.float64], warned: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Strata by score bin and warning.

    Args:
        scores: (n,); NaN: no score.
        warned: (n,).

    Returns:
        The stratum of each object, int (n,), from 0 without gaps, and the score bin of each stratum.
    """
    known = np.isfinite(scores)
    bins = np.full(len(scores), BINS)
    if known.any():
        edges = np.quantile(scores[known], np.arange(1, BINS) / BINS)
        bins[known] = np.searchsorted(edges, scores[known], side="right")
    codes, numbers = np.unique(2 * bins + warned, return_inverse=True)
    return numbers.astype(np.int64), codes // 2


def allocated(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """int (strata,): how many objects of each are looked at, ``count`` in all or every object.

    In proportion to their sizes, but at least two of each where that many can be looked at.
    """
    count = min(count, int(sizes.sum()))
    least = np.minimum(sizes, _LEAST)
    if least.sum() > count:
        least = np.zeros_like(sizes)
    wanted = sizes * count / sizes.sum()
    given = np.clip(np.floor(wanted).astype(np.int64), least, sizes)
    while given.sum() < count:
        given[np.where(given < sizes, wanted - given, -np.inf).argmax()] += 1
    while given.sum() > count:
        given[np.where(given > least, given - wanted, -np.inf).argmax()] -= 1
    return given


def drawn_rows(
    strata: NDArray[np.int64], phrases: NDArray[np.int64], count: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Objects by chance, each of a stratum with the same chance, spread evenly over its phrases.

    Args:
        strata: (n,), the stratum of each object.
        phrases: (n,), the number of its phrase.
        count: how many are to be drawn.
        seed: of the draw.

    Returns:
        Places of the objects in random order, and how many were drawn of each stratum.
    """
    rng = np.random.default_rng(seed)
    sizes = np.bincount(strata)
    given = allocated(sizes, count)
    chosen = []
    for number, (size, wanted) in enumerate(zip(sizes, given, strict=True)):
        inside = rng.permutation(np.flatnonzero(strata == number))
        inside = inside[np.argsort(phrases[inside], kind="stable")]
        # equal steps from a random start along the phrases: all have the same chance
        steps = (rng.random() + np.arange(wanted)) * size / max(wanted, 1)
        chosen.append(inside[np.minimum(steps.astype(np.int64), size - 1)])
    return rng.permutation(np.concatenate(chosen)), given
