"""Cells, windows of them, and the map that they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmscope.analysis.endpoint.windows import drops_on_cells, grid_of, windows_of
from vlmscope.analysis.faithfulness.regions import Regions


@pytest.mark.parametrize(
    ("size", "cells", "grid"),
    [((60, 90), 3, (2, 3)), ((100, 100), 8, (8, 8)), ((10, 1000), 8, (1, 8)), ((3, 4), 8, (3, 4))],
)
def test_cells_are_nearly_square(size: tuple[int, int], cells: int, grid: tuple[int, int]) -> None:
    assert grid_of(size, cells) == grid


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_every_cell_is_covered_and_an_even_loss_stays_even(
    rows: int, columns: int, sides: list[int]
) -> None:
    scales = windows_of((rows, columns), sides)
    for windows in scales:
        assert np.stack(windows).any(axis=0).all()
        assert len({window.tobytes() for window in windows}) == len(windows)
    even = drops_on_cells(
        scales, [[2.0 * window.sum() for window in windows] for windows in scales]
    )
    np.testing.assert_allclose(even, 2.0)


def test_windows_of_one_cell_give_their_own_losses() -> None:
    scales = windows_of((2, 2), (1,))
    np.testing.assert_array_equal(drops_on_cells(scales, [[1, -2, 3, 4]]), [1, -2, 3, 4])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(7, 40), st.integers(7, 40))
def test_even_regions_divide_a_picture(rows: int, columns: int, height: int, width: int) -> None:
    regions = Regions.even((rows, columns), (height, width))
    assert len(regions) == rows * columns
    every = [regions.pixels(np.arange(len(regions)) == cell) for cell in range(len(regions))]
    areas = [int(each.sum()) for each in every]
    assert np.sum(every, axis=0).tolist() == np.ones((height, width)).tolist()
    assert max(areas) <= (height // rows + 1) * (width // columns + 1)
    assert min(areas) >= (height // rows) * (width // columns)
