"""Holes of an outline joined to it, for formats of polygons that know no holes.

The polygon runs to each hole and back along the same line. Where several holes nest to the right of each
other, the way to one may start at another: the ways make a tree with the outer outline as its root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["Ring", "join_holes"]

Ring = NDArray[np.float64]
"""Float (corners, 2): (x, y) in pixels, not closed."""

_Way = tuple[int, int, int]
"""A hole's corner, the ring that it is joined to, and the corner of that ring."""

_NEAR = (16, 256)  # corners around a corner among which an earlier ring's is looked for


def join_holes(rings: list[Ring]) -> Ring:
    """One ring out of an outer one, the first, and its holes: to each hole and back by a short way."""
    if len(rings) == 1:
        return rings[0]
    rings = [rings[0], *sorted(rings[1:], key=lambda ring: float(ring[:, 0].min()))]
    ways: dict[int, dict[int, list[tuple[int, int]]]] = {number: {} for number in range(len(rings))}
    for hole, (enter, ring, leave) in enumerate(_ways(rings), start=1):
        ways[ring].setdefault(leave, []).append((hole, enter))
    return np.array(list(_walk(rings, ways)))


def _ways(rings: list[Ring]) -> list[_Way]:
    """The way to every hole from the nearest corner of a ring earlier in the list, so they make a tree."""
    all_corners = _Corners.of(rings)
    ways: dict[int, _Way] = {}
    for near in _NEAR:
        left = [hole for hole in range(1, len(rings)) if hole not in ways]
        ways |= all_corners.ways(left, near)
    for hole in range(1, len(rings)):  # large ones, far from all others: few
        if hole not in ways:
            ways[hole] = all_corners.way_from_earlier(hole)
    return [ways[hole] for hole in range(1, len(rings))]


@dataclass(frozen=True, eq=False)
class _Corners:
    """The corners of all rings, one after the other.

    Attributes:
        points: float (corners, 2).
        ring: int (corners,), the ring of each.
        starts: int (rings + 1,), where each ring begins.
        tree: of all points.
    """

    points: Ring
    ring: NDArray[np.int64]
    starts: NDArray[np.int64]
    tree: cKDTree

    @classmethod
    def of(cls, rings: list[Ring]) -> _Corners:
        points = np.concatenate(rings)
        lengths = [len(ring) for ring in rings]
        numbers = np.repeat(np.arange(len(rings)), lengths)
        return cls(points, numbers, np.cumsum([0, *lengths]), cKDTree(points))

    def ways(self, holes: list[int], near: int) -> dict[int, _Way]:
        """Ways to those holes that have an earlier ring among the ``near`` corners around one of theirs."""
        asking = np.flatnonzero(np.isin(self.ring, holes))
        if not len(asking):
            return {}
        distances, to = self.tree.query(self.points[asking], k=min(near, len(self.points)))
        distances[self.ring[to] >= self.ring[asking, None]] = np.inf
        best = distances.argmin(axis=1)[:, None]
        shortest = np.take_along_axis(distances, best, axis=1)[:, 0]
        nearest = np.take_along_axis(to, best, axis=1)[:, 0]
        ways: dict[int, _Way] = {}
        for place in np.argsort(shortest)[: np.isfinite(shortest).sum()]:
            ways.setdefault(int(self.ring[asking[place]]), self._way(asking[place], nearest[place]))
        return ways

    def way_from_earlier(self, hole: int) -> _Way:
        """The way to a hole by a search among the corners of earlier rings alone."""
        start, end = self.starts[hole : hole + 2]
        distances, to = cKDTree(self.points[:start]).query(self.points[start:end])
        enter = int(distances.argmin())
        return self._way(start + enter, to[enter])

    def _way(self, enter: int, leave: int) -> _Way:
        hole, ring = int(self.ring[enter]), int(self.ring[leave])
        return int(enter - self.starts[hole]), ring, int(leave - self.starts[ring])


def _walk(
    rings: list[Ring], ways: dict[int, dict[int, list[tuple[int, int]]]]
) -> Iterator[NDArray[np.float64]]:
    """Corners along the outer ring, with a detour around each hole where its way leaves."""
    around = [_turn(rings[0], 0, ways[0])]
    while around:
        for corner, hole in around[-1]:
            yield corner
            if hole is not None:
                number, enter = hole
                around.append(_turn(rings[number], enter, ways[number], closed=True))
                break
        else:
            around.pop()


def _turn(
    ring: Ring, start: int, ways: dict[int, list[tuple[int, int]]], closed: bool = False
) -> Iterator[tuple[NDArray[np.float64], tuple[int, int] | None]]:
    """The corners of a ring from ``start`` on, each as often as holes are joined to it and once more."""
    for step in range(len(ring)):
        place = (start + step) % len(ring)
        for hole in ways.get(place, ()):
            yield ring[place], hole
        yield ring[place], None
    if closed:
        yield ring[start], None
