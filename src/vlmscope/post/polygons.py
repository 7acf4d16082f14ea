"""The outlines of a mask's connected parts as polygons, holes included.

Outlines run along pixel edges, so a polygon has exactly the area of its part before it is simplified.
Formats without holes get them all the same: a part with a hole becomes one polygon that runs to the
hole and back along the same line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from vlmscope.post.holes import Ring, join_holes

__all__ = ["mask_polygons"]

# right, down, left, up as (dx, dy): pixels lie to the right of the direction of travel
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
_SMALL = 16.0  # pixels: what is smaller keeps its exact outline


def mask_polygons(mask: NDArray[np.bool_], tolerance: float = 0.75) -> list[Ring]:
    """One polygon per 4-connected part of a mask: float (corners, 2), (x, y) in pixels.

    Args:
        mask: bool (height, width).
        tolerance: how far in pixels corners may be off the exact outline; 0: not at all.
    """
    numbers, _ = label(mask)
    polygons = []
    for number, place in enumerate(find_objects(numbers), start=1):
        part = numbers[place] == number
        offset = np.array([place[1].start, place[0].start], dtype=np.float64)
        rings = [_simplified(ring, tolerance) for ring in _rings(part)]
        polygons.append(join_holes(rings) + offset)
    return polygons


def _rings(part: NDArray[np.bool_]) -> list[Ring]:
    """The outer outline of one 4-connected part, then those of its holes."""
    edges = _edges(part)
    rings = []
    while edges:
        rings.append(_trace(edges))
    return sorted(rings, key=lambda ring: -abs(_area(ring)))


def _edges(part: NDArray[np.bool_]) -> dict[tuple[int, int, int], None]:
    """Directed edges (x, y, step) around the pixels, each with its pixel on the right."""
    padded = np.pad(part, 1)
    inner = padded[1:-1, 1:-1]
    # above, right, below, left of every pixel: no pixel there means an edge
    sides = (
        (inner & ~padded[:-2, 1:-1], 0, 0),
        (inner & ~padded[1:-1, 2:], 1, 0),
        (inner & ~padded[2:, 1:-1], 1, 1),
        (inner & ~padded[1:-1, :-2], 0, 1),
    )
    edges: dict[tuple[int, int, int], None] = {}
    for step, (borders, right, down) in enumerate(sides):
        rows, columns = np.nonzero(borders)
        for x, y in zip((columns + right).tolist(), (rows + down).tolist(), strict=True):
            edges[x, y, step] = None
    return edges


def _trace(edges: dict[tuple[int, int, int], None]) -> Ring:
    """Take one closed ring out of the edges; only its corners are kept."""
    first = next(iter(edges))
    x, y, step = first
    corners = []
    while True:
        del edges[x, y, step]
        x, y = x + _STEPS[step][0], y + _STEPS[step][1]
        # where two pixels touch at a corner, turning right stays with the same pixel
        turn = next(
            (t for t in (1, 0, 3) if (x, y, (step + t) % 4) in edges),
            None,
        )
        after = first[2] if turn is None else (step + turn) % 4
        if after != step:
            corners.append((x, y))
        if turn is None:
            return np.array(corners, dtype=np.float64)
        step = after


def _area(ring: Ring) -> float:
    x, y = ring.T
    return 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _simplified(ring: Ring, tolerance: float) -> Ring:
    """Fewer corners, none of the old ones farther than ``tolerance`` from the new outline."""
    if tolerance <= 0 or abs(_area(ring)) < _SMALL:
        return ring
    start = int(np.argmin(ring.sum(axis=1)))  # an extreme corner, and the one farthest from it
    turned = np.roll(ring, -start, axis=0)
    middle = int(np.argmax(((turned - turned[0]) ** 2).sum(axis=1)))
    halves = turned[: middle + 1], np.concatenate([turned[middle:], turned[:1]])
    kept = np.concatenate([_douglas_peucker(half, tolerance)[:-1] for half in halves])
    return kept if len(kept) > 2 else ring


def _douglas_peucker(line: Ring, tolerance: float) -> Ring:
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    todo = [(0, len(line) - 1)]
    while todo:
        low, high = todo.pop()
        if high - low < 2:
            continue
        distance = _distances(line[low + 1 : high], line[low], line[high])
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = low + 1 + farthest
            keep[middle] = True
            todo += [(low, middle), (middle, high)]
    return line[keep]


def _distances(points: Ring, start: Ring, end: Ring) -> NDArray[np.float64]:
    """Float (n,): how far points lie from the segment between two."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-12), 0, 1)
    result: NDArray[np.float64] = np.hypot(*(points - start - share[:, None] * along).T)
    return result
