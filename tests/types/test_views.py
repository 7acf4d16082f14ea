"""Cells on original pixels, and what is painted from values on them, along one axis and on images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vlmscope.errors import UnknownNameError
from vlmscope.types.views import Carry, View, axis_weights, paint_views


def view(y_edges: Sequence[float], x_edges: Sequence[float]) -> View:
    cells = (len(y_edges) - 1) * (len(x_edges) - 1)
    return View("image", np.arange(cells), np.array(y_edges, float), np.array(x_edges, float))


def weights(edges: Sequence[float], size: int, interpolation: str) -> list[list[float]]:
    return axis_weights(np.array(edges, float), size, interpolation).tolist()


def test_cells_are_rectangles_row_by_row() -> None:
    one = view([0, 2, 6], [0, 1, 3, 7])
    assert one.grid == (2, 3)
    assert one.boxes.tolist() == [
        *([0, 0, 1, 2], [1, 0, 3, 2], [3, 0, 7, 2]),
        *([0, 2, 1, 6], [1, 2, 3, 6], [3, 2, 7, 6]),
    ]


@pytest.mark.parametrize(
    ("y_edges", "x_edges", "seen"),
    [
        ([-5, 4, 30], [-3, 8, 50], (0, 0, 40, 20)),  # beyond every side of the image
        ([3, 9, 15], [2, 8, 30], (2, 3, 30, 15)),
    ],
)
def test_what_a_view_sees_ends_with_the_image(
    y_edges: list[float], x_edges: list[float], seen: tuple
) -> None:
    assert view(y_edges, x_edges).seen((20, 40)) == seen


def test_a_view_and_a_carry_are_of_the_first_image_unless_told() -> None:
    assert view([0, 1], [0, 1]).image == 0
    assert Carry(np.arange(1), np.ones((1, 1))).image == 0


# along one axis: rows are pixels, columns are cells


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([0, 2, 3], [[1, 0], [1, 0], [0, 1], [0, 0]]),
        ([-7, 1, 9], [[1, 0], [0, 1], [0, 1], [0, 1]]),
        # the centre of a pixel on an edge: the cell that begins there has it
        ([0.5, 1.5, 2.5], [[1, 0], [0, 1], [0, 0], [0, 0]]),
        ([0.5, 0.7, 1.5], [[1, 0], [0, 0], [0, 0], [0, 0]]),
    ],
)
def test_nearest_gives_a_pixel_to_the_cell_its_centre_lies_in(
    edges: list[float], expected: list
) -> None:
    assert weights(edges, 4, "nearest") == expected


@pytest.mark.parametrize(
    ("edges", "pixel", "cell"),
    [
        ([1.6, 2.3, 2.45], 2, 1),  # the middle of the view, 2.025
        ([1.55, 2.2, 2.3], 1, 0),  # 1.925
        ([0.1, 0.2, 0.3], 0, 1),
        ([0.6, 0.8, 0.9], 0, 0),
        ([-3.0, -0.1, 0.2], 0, 1),  # its middle lies outside the image, a part of it does not
        ([3.8, 5.0, 9.0], 3, 0),
    ],
)
def test_a_view_thinner_than_a_pixel_still_has_one(
    edges: list[float], pixel: int, cell: int
) -> None:
    expected = np.zeros((4, 2))
    expected[pixel, cell] = 1
    assert weights(edges, 4, "nearest") == expected.tolist()


@pytest.mark.parametrize("edges", [[-3, -2, -1], [-3, -1, 0], [4, 5, 6], [9, 10, 11]])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "density"])
def test_a_view_of_padding_alone_has_no_pixel(edges: list[float], interpolation: str) -> None:
    assert weights(edges, 4, interpolation) == [[0, 0]] * 4


def test_bilinear_goes_straight_from_cell_centre_to_cell_centre() -> None:
    # centres at 1, 4 and 7; level before the first and beyond the last
    found = weights([0, 2, 6, 8], 9, "bilinear")
    expected = [
        *([1, 0, 0], [5 / 6, 1 / 6, 0], [1 / 2, 1 / 2, 0], [1 / 6, 5 / 6, 0]),
        *([0, 5 / 6, 1 / 6], [0, 1 / 2, 1 / 2], [0, 1 / 6, 5 / 6], [0, 0, 1]),
        [0, 0, 0],  # not covered
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_bilinear_between_two_cells_and_with_one() -> None:
    assert weights([0, 2, 4], 4, "bilinear") == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    assert weights([1, 3], 4, "bilinear") == [[0], [1], [1], [0]]


@pytest.mark.parametrize(
    ("edges", "size", "expected"),
    [
        ([0, 1, 3], 4, [[1, 0], [0, 1 / 2], [0, 1 / 2], [0, 0]]),
        ([0.5, 2, 2.25], 3, [[1 / 3, 0], [2 / 3, 0], [0, 1]]),
        ([-1, 1, 9], 2, [[1, 0], [0, 1]]),  # what lies outside is spread over what does not
        ([-2, -1, 2], 2, [[0, 1 / 2], [0, 1 / 2]]),
    ],
)
def test_density_spreads_a_cell_over_the_pixels_it_covers(
    edges: list[float], size: int, expected: list
) -> None:
    np.testing.assert_allclose(weights(edges, size, "density"), expected, rtol=1e-15)


# on images


def test_pixels_that_no_cell_covers_are_zero() -> None:
    painted = paint_views(
        [view([0, 1, 2], [0, 2, 3])], [np.array([[1.0, 2.0], [3.0, 4.0]])], (3, 4), "nearest"
    )
    assert painted.tolist() == [[1, 1, 2, 0], [3, 3, 4, 0], [0, 0, 0, 0]]
    assert painted.dtype == np.float32


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        ("nearest", [[1, 2, 2], [1, 2, 2]]),
        ("bilinear", [[1, 2, 2], [1, 2, 2]]),
        ("density", [[0.5, 1.25, 1.25], [0.5, 1.25, 1.25]]),  # 3 on six pixels, 3 on four
    ],
)
def test_overlapping_views_are_averaged_and_summed_under_density(
    interpolation: str, expected: list
) -> None:
    views = [view([0, 2], [0, 3]), view([0, 2], [1, 3])]
    values = [1.0, 3.0] if interpolation != "density" else [3.0, 3.0]
    grids = [np.array([[value]]) for value in values]
    assert paint_views(views, grids, (2, 3), interpolation).tolist() == expected


def test_bilinear_along_both_axes() -> None:
    one = view([0, 2, 4], [0, 1])
    painted = paint_views([one], [np.array([[0.0], [8.0]])], (4, 2), "bilinear")
    assert painted.tolist() == [[0, 0], [2, 0], [6, 0], [8, 0]]
    two = view([0, 1], [0, 2, 4])
    painted = paint_views([two], [np.array([[0.0, 8.0]])], (2, 4), "bilinear")
    assert painted.tolist() == [[0, 2, 6, 8], [0, 0, 0, 0]]


def test_another_interpolation_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="interpolation.*cubic"):
        paint_views([view([0, 1], [0, 1])], [np.ones((1, 1))], (1, 1), "cubic")


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "density"])
@pytest.mark.parametrize("edges", [(0, 12), (-3, 15), (2.5, 9.25), (5.1, 5.2)])
def test_one_view_is_painted_to_the_bit_as_several_would_be(
    interpolation: str, edges: tuple[float, float]
) -> None:
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(3, 4)) * rng.integers(-1, 2, (3, 4))
    one = view(np.linspace(*edges, 4), np.linspace(*edges, 5))
    size = (11, 12)
    beyond = view([20, 21], [20, 21])  # adds nothing, and is averaged with nothing
    together = paint_views([one, beyond], [grid, np.ones((1, 1))], size, interpolation)
    alone = paint_views([one], [grid], size, interpolation)
    assert alone.tobytes() == together.tobytes()
