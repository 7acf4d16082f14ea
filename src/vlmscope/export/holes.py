"""Holes of an outline joined to it, for formats of polygons that know no holes.

The polygon runs to each hole and back along the same line. Where several holes nest to the right of each
other, the way to one may start at another: the ways make a tree with the outer outline as its root.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    corners = np.concatenate(rings)
    starts = np.cumsum([0, *map(len, rings)])
    ring_of = np.repeat(np.arange(len(rings)), np.diff(starts))
    ways: dict[int, _Way] = {}
    tree = cKDTree(corners)
    for near in _NEAR:
        left = [hole for hole in range(1, len(rings)) if hole not in ways]
        asking = np.flatnonzero(np.isin(ring_of, left))
        if not len(asking):
            break
        distances, to = tree.query(corners[asking], k=min(near, len(corners)))
        distances[ring_of[to] >= ring_of[asking, None]] = np.inf
        column = distances.argmin(axis=1)
        row = np.arange(len(asking))
        distances, to = distances[row, column], to[row, column]
        for place in np.argsort(distances)[: np.isfinite(distances).sum()].tolist():
            hole, ring = int(ring_of[asking[place]]), int(ring_of[to[place]])
            enter, leave = int(asking[place] - starts[hole]), int(to[place] - starts[ring])
            ways.setdefault(hole, (enter, ring, leave))
    for hole in range(1, len(rings)):  # large ones, far from all others: few
        if hole not in ways:
            away, corner = cKDTree(corners[: starts[hole]]).query(rings[hole])
            enter = int(away.argmin())
            ring = int(ring_of[corner[enter]])
            ways[hole] = enter, ring, int(corner[enter] - starts[ring])
    return [ways[hole] for hole in range(1, len(rings))]


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
