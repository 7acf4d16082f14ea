"""Components are 8-connected; the largest convex hull wins, not the largest area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull

from vlmscope.post.region import choose, hull_area, label_components


def _grid(*rows: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in row] for row in rows])


RING_AND_BLOCK = _grid(
    "####...",
    "#..#...",
    "#..#.##",
    "####.##",
    ".....##",
    ".....##",
    ".....##",
    ".....##",
)  # the ring has 12 cells and a hull of 16; the block 12 cells and a hull of 12


def test_corners_connect() -> None:
    _, count = label_components(_grid("#..", ".#.", "..#"))
    assert count == 1


def test_the_largest_hull_wins_over_an_equal_area() -> None:
    labels, count = label_components(RING_AND_BLOCK)
    assert count == 2
    chosen = choose(labels, count, np.ones(labels.shape), "hull")
    assert chosen[0, 0] and not chosen[7, 6]


def test_the_largest_hull_is_found_behind_a_larger_rectangle() -> None:
    # the diagonal's rectangle is 36 cells, its hull 11; the block's hull is 12
    lit = _grid("#........", ".#.......", "..#..####", "...#.####", "......###"[:9], ".........")
    lit[4, 5] = True
    lit[4, 4] = False
    labels, count = label_components(lit)
    areas = [hull_area(labels == number) for number in range(1, count + 1)]
    assert choose(labels, count, lit.astype(float), "hull")[2, 6]
    assert max(areas) == 12


@pytest.mark.parametrize(
    ("keep", "winner"), [("area", (3, 0)), ("mass", (0, 4)), ("peak", (0, 0)), ("hull", (3, 0))]
)
def test_each_rule_keeps_its_own(keep: str, winner: tuple[int, int]) -> None:
    lit = _grid("#...##", "....##", "......", "#####.", "#####.")
    values = np.where(lit, 0.1, 0.0)
    values[0:2, 4:6] = 0.5  # mass 2.0 against 1.0 below
    values[0, 0] = 0.9
    labels, count = label_components(lit)
    chosen = choose(labels, count, values, keep)
    assert chosen[winner]
    assert len(np.unique(labels[chosen])) == 1


def test_peak_looks_at_lit_places_only() -> None:
    lit = _grid("#..", "..#")
    values = np.array([[0.2, 0.9, 0.0], [0.0, 0.0, 0.1]])
    labels, count = label_components(lit)
    assert choose(labels, count, values, "peak")[0, 0]


@pytest.mark.parametrize(
    ("component", "area"),
    [
        (_grid("#"), 1),
        (_grid("###"), 3),
        (_grid("#", "#"), 2),
        (_grid("#.", ".#"), 3),
        (_grid("#.#", "###"), 6),
    ],
)
def test_hull_is_that_of_the_cells_corners(component: np.ndarray, area: float) -> None:
    assert hull_area(component) == pytest.approx(area)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (6, 7), elements=st.booleans()))
def test_hull_area_equals_the_hull_of_all_corners(component: np.ndarray) -> None:
    if not component.any():
        return
    rows, columns = np.nonzero(component)
    corners = [
        (c + dx, r + dy)
        for r, c in zip(rows, columns, strict=True)
        for dx in (0, 1)
        for dy in (0, 1)
    ]
    assert hull_area(component) == pytest.approx(ConvexHull(np.array(corners)).volume)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (9, 9), elements=st.booleans()))
def test_the_chosen_hull_is_the_largest_of_all(lit: np.ndarray) -> None:
    labels, count = label_components(lit)
    if count == 0:
        return
    areas = [hull_area(labels == number) for number in range(1, count + 1)]
    chosen = choose(labels, count, lit.astype(float), "hull")
    assert hull_area(chosen) == pytest.approx(max(areas))
