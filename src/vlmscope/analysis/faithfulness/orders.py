"""In which order regions are removed and revealed, and the curves that come of it.

Revealing the first of an order is removing the rest, which is what the reverse order removes first. So
an order and its reverse, insertion and deletion, need the same pictures, and share both end points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RANDOM", "Curves", "counts_of", "measure_orders", "orders_of"]

RANDOM = "random"
"""Name of the control whose order is drawn."""

Removed = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Curves:
    """The probability along one order.

    Attributes:
        deletion: float (points,): with the first regions of the order removed; from the whole image
            to none of it.
        insertion: float (points,): with them alone; from none of the image to the whole.
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]


def counts_of(regions: int, steps: int) -> NDArray[np.int64]:
    """How many regions are removed at each point: from 0 to all, the same counted from either end."""
    half = np.arange(steps // 2 + 1) * regions // steps
    counts = np.concatenate([half, regions - half])
    return np.unique(counts).astype(np.int64)


def orders_of(
    weights: Mapping[str, NDArray[np.float64]], seed: int
) -> dict[str, NDArray[np.int64]]:
    """Per map its regions, the strongest first; and a random order.

    Regions of the same weight are in an order that is drawn, not in that of reading.

    Args:
        weights: per map float (regions,).
        seed: of the draws.
    """
    regions = len(next(iter(weights.values())))
    ties = np.random.default_rng([seed, 1]).permutation(regions)
    orders = {name: np.lexsort((ties, -values)) for name, values in weights.items()}
    return {**orders, RANDOM: np.random.default_rng([seed, 2]).permutation(regions)}


def measure_orders(
    orders: Mapping[str, NDArray[np.int64]],
    counts: NDArray[np.int64],
    probabilities: Callable[[Sequence[Removed]], NDArray[np.float64]],
) -> dict[str, Curves]:
    """Both curves of every order; what two of them need is measured once.

    Args:
        orders: per name the regions, first to last.
        counts: how many are removed at each point, ascending from 0 to all.
        probabilities: of pictures with removed regions, each bool (regions,): float (pictures,).
            The first that it is given is the whole picture, the second none of it.
    """
    regions = int(counts[-1])
    wanted: dict[bytes, Removed] = {}
    for removed in (np.zeros(regions, dtype=bool), np.ones(regions, dtype=bool)):
        wanted[removed.tobytes()] = removed
    plans = {name: _plan(order, counts) for name, order in orders.items()}
    for deletion, insertion in plans.values():
        wanted.update((removed.tobytes(), removed) for removed in (*deletion, *insertion))
    measured = dict(zip(wanted, probabilities(list(wanted.values())), strict=True))
    return {
        name: Curves(*(np.array([measured[each.tobytes()] for each in way]) for way in plan))
        for name, plan in plans.items()
    }


def _plan(
    order: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[list[Removed], list[Removed]]:
    """What is removed at each point of deletion and of insertion."""
    ranks = np.argsort(order)  # the place of each region in the order
    return [ranks < count for count in counts], [ranks >= count for count in counts]
