"""Polygons with their border: to the pixel what OpenCV 4.10 drew, and what the rule says."""

from __future__ import annotations

import hashlib
import random
from fractions import Fraction

import numpy as np
import pytest

from vlmscope.data.drawn_polygons import fill_with_border

Points = list[tuple[int, int]]

SIZE = (90, 120)
DRAWN = "828b793ced7b2cab1bd18479225681364aef8be440d2647002bcb073e1083c42"
"""SHA-256 of 300 masks of :func:`polygons`, drawn by OpenCV 4.10.0 (polylines and fillPoly)."""


def polygons(count: int = 300) -> list[Points]:
    rng = random.Random("polygons")
    height, width = SIZE
    return [
        [(rng.randrange(width), rng.randrange(height)) for _ in range(rng.randint(2, 25))]
        for _ in range(count)
    ]


def drawn(points: Points, size: tuple[int, int] = SIZE) -> np.ndarray:
    canvas = np.zeros(size, dtype=np.uint8)
    fill_with_border(canvas, points, 1)
    return canvas


def test_masks_are_those_of_opencv() -> None:
    digest = hashlib.sha256()
    for points in polygons():
        digest.update(drawn(points).tobytes())
    assert digest.hexdigest() == DRAWN


def test_inside_and_border_by_the_rule() -> None:
    """Strictly inside by the even-odd rule is filled; what is farther than a pixel away is not."""
    for points in polygons(40):
        mask = drawn(points)
        sides = list(zip(points, [*points[1:], points[0]], strict=True))
        for x, y in [(x, y) for y in range(0, SIZE[0], 7) for x in range(0, SIZE[1], 7)]:
            odd = sum(_crossed(x, y, *side) for side in sides) % 2 == 1
            if odd:
                assert mask[y, x] == 1
            elif mask[y, x]:
                assert min(_distance(x, y, *side) for side in sides) <= 1


def _crossed(x: int, y: int, one: tuple[int, int], two: tuple[int, int]) -> bool:
    (x0, y0), (x1, y1) = sorted((one, two), key=lambda point: point[1])
    return y0 <= y < y1 and x0 + Fraction((y - y0) * (x1 - x0), y1 - y0) < x


def _distance(x: int, y: int, one: tuple[int, int], two: tuple[int, int]) -> float:
    start, side = np.array(one, float), np.subtract(two, one).astype(float)
    along = np.clip(np.dot((x, y) - start, side) / max(1.0, float(side @ side)), 0, 1)
    return float(np.hypot(*((x, y) - start - along * side)))


def test_what_lies_outside_is_cut_off() -> None:
    whole = drawn([(-5, -5), (200, -5), (200, 200), (-5, 200)])
    assert whole.all()
    corner = drawn([(-10, -10), (9, -10), (9, 9), (-10, 9)])
    assert corner[:10, :10].all() and corner.sum() == 100
    assert drawn([(-9, 2), (-3, 2), (-3, 8)]).sum() == 0


@pytest.mark.parametrize(
    ("points", "count"), [([(3, 4)], 1), ([(3, 4), (8, 4)], 6), ([(3, 4)] * 3, 1)]
)
def test_degenerate_polygons_have_their_border(points: Points, count: int) -> None:
    assert drawn(points).sum() == count
