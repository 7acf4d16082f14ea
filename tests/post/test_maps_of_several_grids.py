"""Score maps of several grids, and smoothing of several maps on several grids."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import PAPER, PostOptions, score_map, smooth
from vlmscope.post.region import is_flat
from vlmscope.types import TokenMap, View


def test_a_score_map_of_several_grids_has_the_pitch_of_the_finest_cell() -> None:
    """Cells 20 high and 30 wide at least, over 50 x 70 pixels: three rows, three columns."""
    fine = View("tile", np.arange(4), np.array([0.0, 20.0, 50.0]), np.array([0.0, 40.0, 70.0]))
    coarse = view_over((0, 0, 70, 50), (1, 1), 4, "thumbnail")
    assert score_map(map_of((50, 70), [fine, coarse]), np.ones(5)).tolist() == [[1.0] * 3] * 3


@pytest.mark.parametrize("grid", [(1, 4), (4, 1)])
def test_a_score_map_may_be_one_cell_high_or_wide(grid: tuple[int, int]) -> None:
    size = (10, 40) if grid == (1, 4) else (40, 10)
    view = view_over((0, 0, size[1], size[0]), grid)
    twice = map_of(size, [view, view_over((0, 0, size[1], size[0]), grid, 4)])
    found = score_map(twice, np.arange(8.0))
    np.testing.assert_allclose(found, np.arange(2.0, 6.0).reshape(grid))


def test_several_maps_on_several_grids_are_smoothed_one_by_one(tiled: TokenMap) -> None:
    maps = np.random.default_rng(0).random((2, 3, 48))
    found = smooth(tiled, maps, PAPER)
    assert found.shape == (2, 3, 48)
    np.testing.assert_array_equal(found[1, 2], smooth(tiled, maps[1, 2], PAPER))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("options", [PAPER, PostOptions(smoothing="none")])
def test_maps_of_any_precision_are_smoothed_in_float64(
    square: TokenMap, dtype: type, options: PostOptions
) -> None:
    maps = np.arange(576).astype(dtype)
    found = smooth(square, maps, options)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, smooth(square, maps.astype(np.float64), options))


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ((), True),
        ((0.0, 0.0), True),
        ((0.0, 1e-30), False),
        ((1.0, 1.00001), True),  # apart by 1e-5 of the larger one, by a little more of the smaller
        ((-1.00001, -1.0), True),
        ((1.0, 1.00002), False),
        ((-1e-6, 1e-6), False),
    ],
)
def test_values_are_flat_when_they_differ_by_1e_5_of_the_largest(
    values: tuple[float, ...], flat: bool
) -> None:
    assert is_flat(np.array(values)) is flat
