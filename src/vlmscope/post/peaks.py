"""Local maxima of a map that stand out, and the ground that belongs to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Peaks", "find_peaks"]

Place = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Peaks:
    """Local maxima, the highest first.

    Attributes:
        places: (row, column) of each.
        basins: int (rows, columns), the number of the peak, from 0, that a way straight uphill from a
            place leads to; -1 where nothing was looked for.
    """

    places: tuple[Place, ...]
    basins: NDArray[np.int64]


def find_peaks(values: NDArray[np.float64], seen: NDArray[np.bool_], prominence: float) -> Peaks:
    """The local maxima from which one has to descend a good way before a higher one is reached.

    Places are flooded from the highest down; where two floods meet, the lower one's peak counts if it
    lies ``prominence`` above the place of the meeting, else its ground goes to the other. Of equal
    places the first in reading order is the higher.

    Args:
        values: float (rows, columns).
        seen: bool (rows, columns); elsewhere nothing is looked for.
        prominence: in the unit of the values.
    """
    flood = _Flood(values.shape)
    flat = values.ravel()
    places = np.flatnonzero(seen.ravel())
    for place in places[np.argsort(-flat[places], kind="stable")].tolist():
        flood.reach(place, flat, prominence)
    tops = sorted(flood.peaks(), key=lambda top: flood.rank[top])
    numbers = {top: number for number, top in enumerate(tops)}
    basins = np.full(values.size, -1, dtype=np.int64)
    for place in flood.rank:
        basins[place] = numbers[flood.top_of(place)]
    columns = values.shape[1]
    return Peaks(tuple(divmod(top, columns) for top in tops), basins.reshape(values.shape))


class _Flood:
    """What is flooded so far; places are numbered in reading order.

    Attributes:
        rank: of every place, in the order in which the flood reached it.
        uphill: of every place, the neighbour that it belongs to; of a peak, itself.
        merged: of every flood, named by its peak, the one that it has run into.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.rank: dict[int, int] = {}
        self.uphill: dict[int, int] = {}
        self.merged: dict[int, int] = {}

    def reach(self, place: int, values: NDArray[np.float64], prominence: float) -> None:
        """Flood one place more: it starts a peak, or joins the floods around it."""
        around = [each for each in self._neighbours(place) if each in self.rank]
        self.rank[place] = len(self.rank)
        if not around:
            self.uphill[place] = self.merged[place] = place
            return
        self.uphill[place] = min(around, key=self.rank.__getitem__)
        highest, *lower = sorted({self._flood(each) for each in around}, key=self.rank.__getitem__)
        self.merged[place] = highest
        for peak in lower:
            self.merged[peak] = highest
            if values[peak] - values[place] < prominence:
                self.uphill[peak] = highest

    def peaks(self) -> Iterator[int]:
        """The places that nothing leads uphill from."""
        return (place for place, above in self.uphill.items() if place == above)

    def top_of(self, place: int) -> int:
        """The peak that a place belongs to."""
        return _root(self.uphill, place)

    def _flood(self, place: int) -> int:
        return _root(self.merged, place)

    def _neighbours(self, place: int) -> Iterator[int]:
        rows, columns = self.shape
        row, column = divmod(place, columns)
        for near in range(max(row - 1, 0), min(row + 2, rows)):
            for beside in range(max(column - 1, 0), min(column + 2, columns)):
                yield near * columns + beside


def _root(parents: dict[int, int], place: int) -> int:
    """The end of a chain, which is made short on the way."""
    root = place
    while parents[root] != root:
        root = parents[root]
    while parents[place] != root:
        parents[place], place = root, parents[place]
    return root
