"""Polygons of whole pixels, filled with their border, as OpenCV fills them to the pixel.

The border is every side as a line of one pixel; inside, a row is filled between the places where its
middle crosses sides, by the even-odd rule, with places rounded to the nearest pixel. Pillow draws both
a little differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_with_border"]

Point = tuple[int, int]

_BITS = 16  # places between pixels are counted in these fractions
_HALF = 1 << (_BITS - 1)


def fill_with_border(canvas: NDArray[np.uint8], points: Sequence[Point], value: int) -> None:
    """Draw a polygon into a picture, in place; what lies outside is cut off.

    Args:
        canvas: uint8 (height, width).
        points: corners (x, y); the last is joined with the first.
        value: of its pixels.
    """
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    for row, first, last in _spans(sides, canvas.shape[0]):
        canvas[row, max(first, 0) : max(last + 1, 0)] = value
    for one, two in sides:
        x, y = _line(one, two)
        inside = (x >= 0) & (x < canvas.shape[1]) & (y >= 0) & (y < canvas.shape[0])
        canvas[y[inside], x[inside]] = value


def _spans(sides: Sequence[tuple[Point, Point]], height: int) -> Iterator[tuple[int, int, int]]:
    """(row, first column, last column) of what lies between pairs of sides."""
    crossings: dict[int, list[int]] = {}
    for one, two in sides:
        (x0, y0), (x1, y1) = (one, two) if one[1] <= two[1] else (two, one)
        if y0 == y1:
            continue
        rise = (x1 - x0) << _BITS
        step = abs(rise) // (y1 - y0) * (1 if rise >= 0 else -1)  # towards zero, as C divides
        for row in range(max(y0, 0), min(y1, height)):
            crossings.setdefault(row, []).append((x0 << _BITS) + (row - y0) * step)
    for row, places in crossings.items():
        places.sort()
        for left, right in zip(places[::2], places[1::2], strict=True):
            yield row, (left + _HALF) >> _BITS, (right + _HALF) >> _BITS


def _line(one: Point, two: Point) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of a line from its left end: on its longer axis a pixel a step.

    Halfway between two pixels the one that was left last stays.
    """
    (x0, y0), (x1, y1) = (one, two) if one[0] <= two[0] else (two, one)
    wide, high = x1 - x0, abs(y1 - y0)
    steps = np.arange(max(wide, high) + 1)
    down = 1 if y1 >= y0 else -1
    if wide >= high:
        return x0 + steps, y0 + down * _rounded(steps * high, wide)
    return x0 + _rounded(steps * wide, high), y0 + down * steps


def _rounded(counts: NDArray[np.int64], whole: int) -> NDArray[np.int64]:
    """``counts / whole`` to the nearest number, halves down."""
    return (2 * counts + whole - 1) // (2 * whole) if whole else counts
