"""Outlines of masks: exact before they are simplified, near after, holes kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from segmentations import blobs, filled
from vlmscope.post import holes as holes_module
from vlmscope.post.polygons import mask_polygons


def area(polygon: NDArray[np.float64]) -> float:
    x, y = polygon.T
    return 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def mask_of(*rows: str) -> NDArray[np.bool_]:
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_one_pixel() -> None:
    (polygon,) = mask_polygons(mask_of("...", "..#"))
    assert sorted(map(tuple, polygon.tolist())) == [(2, 1), (2, 2), (3, 1), (3, 2)]


def test_only_corners_are_kept() -> None:
    (polygon,) = mask_polygons(np.ones((30, 50), dtype=bool), tolerance=0)
    assert sorted(map(tuple, polygon.tolist())) == [(0, 0), (0, 30), (50, 0), (50, 30)]


CASES = {
    "hole": mask_of("#####", "#...#", "#.#.#", "#...#", "#####"),
    "two holes": mask_of("#######", "#.###.#", "#######"),
    "corners touch outside": mask_of("##..", "##..", "..##", "..##"),
    "corners touch in one part": mask_of("###", "#.#", "##.", "###"),
    "hole in a corner of a hole": mask_of("#####", "#.###", "##.##", "#####"),
    "frame": mask_of("####", "#..#", "####"),
    "stairs": mask_of("#...", "##..", ".##.", "..##"),
}


@pytest.mark.parametrize("case", CASES)
def test_unsimplified_outlines_are_exact(case: str) -> None:
    mask = CASES[case]
    polygons = mask_polygons(mask, tolerance=0)
    assert sum(map(area, polygons)) == mask.sum()
    assert all(area(polygon) > 0 for polygon in polygons)
    np.testing.assert_array_equal(filled(polygons, mask.shape), mask)


def test_parts_are_4_connected() -> None:
    assert len(mask_polygons(CASES["corners touch outside"])) == 2
    assert len(mask_polygons(CASES["stairs"])) == 1
    assert len(mask_polygons(CASES["hole"])) == 2  # the frame, and the pixel in its middle
    assert mask_polygons(np.zeros((4, 4), dtype=bool)) == []


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_has_exact_outlines(mask: NDArray[np.bool_]) -> None:
    polygons = mask_polygons(mask, tolerance=0)
    assert sum(map(area, polygons)) == mask.sum()


@pytest.mark.parametrize("tolerance", [0.75, 2.0])
def test_simplified_outlines_stay_near_with_fewer_corners(tolerance: float) -> None:
    mask = blobs(2, (120, 160), smooth=8) == 0
    exact, near = mask_polygons(mask, 0), mask_polygons(mask, tolerance)
    assert sum(map(len, near)) < 0.7 * sum(map(len, exact))
    drawn = filled(near, mask.shape)
    overlap = (drawn & mask).sum() / (drawn | mask).sum()
    assert overlap > 0.96
    # what differs lies within the tolerance (and a pixel's diagonal) of the outline
    corners = np.argwhere(np.abs(np.diff(np.pad(mask, 1).astype(int), axis=1)))
    corners = np.concatenate([corners, np.argwhere(np.diff(np.pad(mask, 1).astype(int), axis=0))])
    wrong = np.argwhere(mask ^ drawn) + 1
    distances = [np.hypot(*(corners - pixel).T).min() for pixel in wrong]
    assert max(distances, default=0) <= tolerance + 1.5


def test_small_parts_survive_simplification() -> None:
    mask = mask_of("......", ".##...", ".#..#.", "......")
    polygons = mask_polygons(mask, tolerance=5.0)
    np.testing.assert_array_equal(filled(polygons, mask.shape), mask)


@pytest.mark.parametrize("near", [(16, 256), ()], ids=["near first", "each by itself"])
def test_many_holes_and_a_large_one_far_from_the_rest(
    monkeypatch: pytest.MonkeyPatch, near: tuple[int, ...]
) -> None:
    """Holes are joined whether their neighbours are near, or hundreds of their own corners away."""
    monkeypatch.setattr(holes_module, "_NEAR", near)
    mask = np.ones((160, 200), dtype=bool)
    mask[2:30:3, 2:-2:3] = False  # hundreds of pixels
    rows, columns = np.mgrid[60:150, 30:180]
    mask[60:150, 30:180] = (rows < 66) & ((rows + columns) % 4 < 2)  # one with a ragged edge
    mask[66:150, 30:180] = False
    holes = len(range(2, 30, 3)) * len(range(2, 198, 3)) + 1
    (polygon,) = mask_polygons(mask, tolerance=0)
    assert area(polygon) == mask.sum()
    np.testing.assert_array_equal(filled([polygon], mask.shape), mask)
    lengths = np.hypot(*(polygon - np.roll(polygon, 1, axis=0)).T)
    padded = np.pad(mask, 1).astype(int)
    outlines = sum(int(np.abs(np.diff(padded, axis=axis)).sum()) for axis in (0, 1))
    # there and back: small holes lie 2 pixels apart, the large one 30 below them
    assert lengths.sum() - outlines <= 2 * (3 * holes + 40)
