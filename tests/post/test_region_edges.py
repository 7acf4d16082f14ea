"""Which pixels a region's mask holds, where edges, peaks and components are awkward."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import PostOptions, find_region
from vlmscope.post.region import choose, label_components
from vlmscope.types import TokenMap, View

GRID = PostOptions(surface="grid")
IRREGULAR = (1.5, 3.0, 5.5, 6.2)
"""Edges of three cells along an axis of 8 pixels: 0, 6 and 7 have their centres outside."""
PIXELS_OF = ([1, 2], [3, 4], [5])
"""Of each cell: the centre of 1 lies on its near edge, that of 5 on the far edge of the second."""


def one_hot(cells: int, cell: int) -> np.ndarray:
    weights = np.zeros(cells)
    weights[cell] = 1.0
    return weights


def turned(token_map: TokenMap) -> TokenMap:
    """Rows for columns, of one view in reading order of either."""
    (view,) = token_map.views
    return replace(
        token_map,
        image_size=token_map.image_size[::-1],
        views=(replace(view, y_edges=view.x_edges, x_edges=view.y_edges),),
    )


@pytest.mark.parametrize("cell", [0, 1, 2])
@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_the_mask_holds_the_pixels_whose_centre_lies_in_the_cell(cell: int, axis: int) -> None:
    view = View("image", np.arange(3), np.array([0.0, 2.0]), np.array(IRREGULAR))
    across = map_of((2, 8), [view], "crop")
    region = find_region(across if axis else turned(across), one_hot(3, cell), GRID)
    along = region.mask.any(axis=1 - axis)
    assert np.flatnonzero(along).tolist() == PIXELS_OF[cell]
    assert region.mask.sum() == 2 * len(PIXELS_OF[cell])


def test_a_hole_of_a_component_is_not_filled() -> None:
    token_map = map_of((9, 9), [view_over((0, 0, 9, 9), (3, 3))])
    region = find_region(token_map, 1.0 - one_hot(9, 4), GRID)
    assert region.box == (0.0, 0.0, 9.0, 9.0)
    assert region.mask.sum() == 72 and not region.mask[3:6, 3:6].any()


def test_a_component_between_centres_lights_the_pixel_it_lies_in() -> None:
    """Four cells to a pixel each way: a cell whose box is x 4.25..4.5, y 2.25..2.5."""
    token_map = map_of((3, 5), [view_over((0, 0, 5, 3), (12, 20))])
    region = find_region(token_map, one_hot(240, 9 * 20 + 17), GRID)
    assert region.box == (4.25, 2.25, 4.5, 2.5)
    assert np.argwhere(region.mask).tolist() == [[2, 4]]


def test_nothing_lit_is_an_empty_mask_of_no_component() -> None:
    token_map = map_of((5, 7), [view_over((0, 0, 7, 5), (2, 2))])
    region = find_region(token_map, np.ones(4), GRID)
    assert region.components == 0
    assert region.mask.dtype == bool and region.mask.shape == (5, 7)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_the_region_is_that_of_the_pixel_the_peak_lies_in(axis: int) -> None:
    """Cells of two pixels: the peak at 3.0 lies between pixel 2, painted 0.75 and unlit, and 3.

    Pixel 3 is painted 0.9875, less than the plateau on the right: that is not what the peak is of.
    """
    across = map_of((2, 16), [view_over((0, 0, 16, 2), (1, 8))])
    weights = (0.0, 1.0, 0.95, 0.0, 0.0, 0.99, 0.99, 0.99)
    options = PostOptions(surface="pixels", keep="peak", threshold="max-share", share=0.8)
    region = find_region(across if axis else turned(across), weights, options)
    assert region.point == ((3.0, 1.0) if axis else (1.0, 3.0))
    assert region.box == ((3.0, 0.0, 5.0, 2.0) if axis else (0.0, 3.0, 2.0, 5.0))
    assert region.components == 2 and region.threshold == pytest.approx(0.8 * 0.99)


def chosen(*rows: str, keep: str, values: np.ndarray | None = None) -> list[list[int]]:
    """The (row, column) of the cells that are kept of those marked #."""
    lit = np.array([[mark == "#" for mark in row] for row in rows])
    labels, count = label_components(lit)
    found = choose(labels, count, lit.astype(float) if values is None else values, keep)
    return np.argwhere(found).tolist()


@pytest.mark.parametrize("keep", ["hull", "area", "mass"])
@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (("##.##", "##.##"), [[0, 0], [0, 1], [1, 0], [1, 1]]),
        (("##", "##", "..", "##", "##"), [[0, 0], [0, 1], [1, 0], [1, 1]]),
        (("#..#.", ".#..#"), [[0, 0], [1, 1]]),  # hulls of 3 in rectangles of 4
    ],
    ids=["beside", "below", "diagonal"],
)
def test_of_equal_components_the_first_is_kept(
    keep: str, rows: tuple[str, ...], first: list[list[int]]
) -> None:
    assert chosen(*rows, keep=keep) == first


def test_the_largest_mass_may_be_negative() -> None:
    """Similarities below zero are lit where they lie above the threshold all the same."""
    values = np.array([[-0.1, -0.9, -0.2, -0.2]])
    assert chosen("#.##", keep="mass", values=values) == [[0, 0]]
    assert chosen("##.#", keep="mass", values=values) == [[0, 3]]
