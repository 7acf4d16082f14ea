"""Boxes, masks and points in ORIGINAL pixels, however the image was fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handmade import map_of, view_over
from vlmscope.errors import AttentionError
from vlmscope.post import PAPER, PostOptions, find_region, heat_map, locate, peak, score_map
from vlmscope.post.raster import MAX_SIDE
from vlmscope.types import TokenMap

GRID = PostOptions(surface="grid")
PIXELS = PostOptions(surface="pixels", threshold="max-share", share=0.5)
BOTH = pytest.mark.parametrize("options", [GRID, PIXELS], ids=["grid", "pixels"])


def _lit(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    grid = np.zeros(shape)
    grid[rows, columns] = 1.0
    return grid.ravel()


def test_grid_boxes_are_the_outline_of_the_cells(square: TokenMap) -> None:
    region = find_region(square, _lit((24, 24), slice(3, 6), slice(10, 15)), GRID)
    assert region.box == (100.0, 30.0, 150.0, 60.0)
    assert region.mask.sum() == 50 * 30 and region.mask[30, 100] and not region.mask[29, 100]
    assert region.point == (105.0, 35.0)
    assert region.components == 1 and region.surface == "grid"


def test_a_component_at_the_far_corner_touches_the_image_border(square: TokenMap) -> None:
    region = find_region(square, _lit((24, 24), slice(22, 24), slice(23, 24)), GRID)
    assert region.box == (230.0, 220.0, 240.0, 240.0)


def test_fault_padding_ignored_in_boxes_of_a_wide_image(padded: TokenMap) -> None:
    # rows 3 and 4 of 8 lie at 25..75 of the 200 pixel square, which begins 50 above the picture;
    # scaling 8 cells to 100 pixels instead would give 37.5..62.5
    region = find_region(padded, _lit((8, 8), slice(3, 5), slice(2, 4)), GRID)
    assert region.box == (50.0, 25.0, 100.0, 75.0)
    assert region.mask[30, 60] and not region.mask[20, 60]


def test_attention_on_the_padding_is_no_object(padded: TokenMap) -> None:
    weights = _lit((8, 8), slice(0, 2), slice(0, 8)) * 9 + _lit((8, 8), slice(4, 5), slice(6, 7))
    region = find_region(padded, weights, GRID)
    assert region.box == (150.0, 50.0, 175.0, 75.0)
    assert region.point == (162.5, 62.5)


def test_a_box_that_reaches_into_the_padding_is_clipped_to_the_image(padded: TokenMap) -> None:
    token_map = map_of((90, 200), [view_over((0, -55, 200, 145), (8, 8))], "pad")
    region = find_region(token_map, _lit((8, 8), slice(1, 4), slice(0, 2)), GRID)
    assert region.box == (0.0, 0.0, 50.0, 45.0)


@BOTH
def test_boxes_of_a_cropped_image_lie_in_what_was_seen(
    cropped: TokenMap, options: PostOptions
) -> None:
    region = find_region(cropped, _lit((8, 8), slice(0, 8), slice(0, 3)), options)
    assert region.box is not None and region.box[0] >= 50.0 and region.box[2] <= 150.0
    assert not region.mask[:, :50].any() and not region.mask[:, 150:].any()
    # scaling 8 cells to 200 pixels instead would begin at 0
    assert region.box[0] == 50.0


def test_pixel_boxes_are_finer_than_cells(square: TokenMap) -> None:
    grid = np.zeros((24, 24))
    grid[10, 10:12] = (1.0, 0.4)
    region = find_region(square, grid.ravel(), PIXELS)
    assert region.box is not None and region.box[2] % 10 != 0
    # halfway down the slope between centres at 105 and 115 on one side, 0.5 of 0.6 on the other
    assert region.box[0] == pytest.approx(100, abs=1) and region.box[2] == pytest.approx(
        113, abs=1.5
    )


def test_pixel_boxes_of_large_images_stay_in_original_pixels() -> None:
    size = (3 * MAX_SIDE, 2 * MAX_SIDE)
    token_map = map_of(size, [view_over((0, 0, size[1], size[0]), (24, 16))])
    cell = size[1] / 16
    region = find_region(token_map, _lit((24, 16), slice(6, 9), slice(4, 8)), PIXELS)
    expected = np.array([4, 6, 8, 9]) * cell
    np.testing.assert_allclose(region.box, expected, atol=cell * 0.05)
    assert region.mask.shape == size
    assert region.mask.sum() == pytest.approx(12 * cell**2, rel=0.1)


@BOTH
@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 576], ids=["zero", "one", "uniform"])
def test_nothing_lit_gives_none_and_no_crash(
    square: TokenMap, options: PostOptions, value: float
) -> None:
    region = find_region(square, np.full(576, np.float32(value)), options)
    assert region.box is None and region.point is None and region.threshold is None
    assert not region.mask.any() and region.mask.shape == (240, 240)
    assert not heat_map(square, np.full(576, np.float32(value))).any()


def test_attention_that_lies_on_the_padding_alone_gives_none(padded: TokenMap) -> None:
    weights = _lit((8, 8), slice(0, 2), slice(0, 8))
    region = find_region(padded, weights, GRID)
    assert region.box is None and region.point is None


@pytest.mark.parametrize("threshold", ["mean", "mean-all", "otsu", "max-share"])
@pytest.mark.parametrize("keep", ["hull", "area", "mass", "peak"])
@pytest.mark.parametrize("surface", ["grid", "pixels"])
def test_every_combination_of_options_finds_a_bright_block(
    square: TokenMap, threshold: str, keep: str, surface: str
) -> None:
    options = PostOptions(threshold=threshold, keep=keep, surface=surface)
    weights = _lit((24, 24), slice(4, 10), slice(12, 18)) + 0.01
    region = find_region(square, weights, options)
    np.testing.assert_allclose(region.box, (120, 40, 180, 100), atol=11)


def test_several_views_are_composed_on_pixels(tiled: TokenMap) -> None:
    weights = np.zeros(48)
    weights[5] = weights[6] = 1.0  # tile 0: x 20..60, y 20..40
    weights[32 + 4] = 1.0  # thumbnail: x 0..40, y 20..40
    region = find_region(tiled, weights, PostOptions(threshold="max-share", share=0.9))
    assert region.surface == "pixels, nearest"
    # where both views are lit the mean is 1, elsewhere a half
    assert region.box == (20.0, 20.0, 40.0, 40.0)


def test_a_map_may_span_two_tiles(tiled: TokenMap) -> None:
    weights = np.zeros(48)
    weights[7] = weights[16 + 4] = 1.0  # x 60..80 of tile 0 and 80..100 of tile 1, y 20..40
    region = find_region(tiled, weights, GRID)
    assert region.box == (60.0, 20.0, 100.0, 40.0) and region.components == 1


def test_cells_smaller_than_a_pixel_still_give_a_mask() -> None:
    token_map = map_of((1, 1), [view_over((0, 0, 1, 1), (4, 4))])
    region = find_region(token_map, _lit((4, 4), slice(0, 1), slice(0, 1)), GRID)
    assert region.box == (0.0, 0.0, 0.25, 0.25) and region.mask.tolist() == [[True]]


@pytest.mark.parametrize(
    "width, first_of_cell",
    [
        (12, (0, 4, 8)),  # edges 0, 4, 8, 12
        (10, (0, 3, 7)),  # edges 0, 3.33, 6.67, 10: pixel 3 has its centre at 3.5, pixel 6 at 6.5
        (11, (0, 4, 7)),  # edges 0, 3.67, 7.33, 11
        (7, (0, 2, 5)),  # edges 0, 2.33, 4.67, 7
    ],
)
def test_a_pixel_belongs_to_the_cell_that_its_centre_lies_in(
    width: int, first_of_cell: tuple[int, int, int]
) -> None:
    token_map = map_of((width, width), [view_over((0, 0, width, width), (3, 3))])
    last_of_cell = (*first_of_cell[1:], width)
    for cell, (first, end) in enumerate(zip(first_of_cell, last_of_cell, strict=True)):
        region = find_region(token_map, _lit((3, 3), slice(cell, cell + 1), slice(1, 2)), GRID)
        expected = np.zeros((width, width), dtype=bool)
        expected[first:end, first_of_cell[1] : first_of_cell[2]] = True
        np.testing.assert_array_equal(region.mask, expected)


def test_a_centre_on_an_edge_belongs_to_the_cell_behind_it() -> None:
    token_map = map_of((5, 5), [view_over((0, 0, 5, 5), (2, 2))])  # edges 0, 2.5, 5
    upper = find_region(token_map, _lit((2, 2), slice(0, 1), slice(0, 1)), GRID).mask
    lower = find_region(token_map, _lit((2, 2), slice(1, 2), slice(1, 2)), GRID).mask
    assert (upper.any(axis=1).tolist(), lower.any(axis=1).tolist()) == (
        [True, True, False, False, False],
        [False, False, True, True, True],
    )
    assert upper.sum() == 4 and lower.sum() == 9


def test_peak_is_the_middle_of_the_visible_part_of_the_cell(padded: TokenMap) -> None:
    weights = _lit((8, 8), slice(2, 3), slice(7, 8))  # y 0..25 of the picture, x 175..200
    assert peak(padded, weights) == (187.5, 12.5)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, 35, elements=st.floats(0, 1, width=32)),
    st.sampled_from(["grid", "pixels"]),
    st.sampled_from(["mean", "mean-all", "otsu", "max-share"]),
)
def test_box_mask_and_point_agree(weights: np.ndarray, surface: str, threshold: str) -> None:
    token_map = map_of((61, 43), [view_over((-3, -9, 46, 61), (7, 5))], "pad")
    options = PostOptions(surface=surface, threshold=threshold, keep="peak")
    region = find_region(token_map, weights, options)
    assert (region.box is None) == (not region.mask.any())
    if region.box is None:
        return
    x0, y0, x1, y1 = region.box
    assert 0 <= x0 < x1 <= 43 and 0 <= y0 < y1 <= 61
    rows, columns = np.nonzero(region.mask)
    assert columns.min() >= np.floor(x0) and columns.max() < np.ceil(x1)
    assert rows.min() >= np.floor(y0) and rows.max() < np.ceil(y1)
    if surface == "grid" and region.point is not None:
        assert x0 <= region.point[0] <= x1 and y0 <= region.point[1] <= y1


def test_box_and_point_are_of_one_component() -> None:
    """A single strong cell is painted lower than a wide part of nearly its strength."""
    token_map = map_of((40, 40), [view_over((0, 0, 40, 40), (10, 10))])
    weights = np.zeros((10, 10))
    weights[2, 2], weights[6:9, 6:9] = 1.0, 0.9
    region = find_region(token_map, weights.ravel(), PostOptions(surface="pixels", keep="peak"))
    assert region.components == 2 and region.point == (10.0, 10.0)
    x0, y0, x1, y1 = region.box
    assert x0 < 10 < x1 < 20 and y0 < 10 < y1 < 20
    assert region.mask[10, 10] and not region.mask[20:].any()


def test_scaling_a_map_changes_no_region(square: TokenMap) -> None:
    weights = np.random.default_rng(0).random(576)
    one, two = (find_region(square, weights * scale, PAPER) for scale in (1.0, 1e-4))
    assert one.box == two.box and one.point == two.point


def test_heat_maps_span_zero_to_one_over_what_was_seen(cropped: TokenMap) -> None:
    weights = np.linspace(0.2, 0.9, 64)
    found = heat_map(cropped, weights)
    assert found.dtype == np.float32 and found.shape == (100, 200)
    assert found[:, 50:150].min() == 0 and found[:, 50:150].max() == 1
    assert not found[:, :50].any() and not found[:, 150:].any()


def test_score_maps_are_raw_values_on_the_grid(padded: TokenMap, tiled: TokenMap) -> None:
    weights = np.random.default_rng(0).random(64)
    np.testing.assert_allclose(score_map(padded, weights), weights.reshape(8, 8), rtol=1e-6)
    assert score_map(tiled, np.ones(48)).shape == (4, 8)


def test_nan_is_refused_not_located(square: TokenMap) -> None:
    with pytest.raises(AttentionError):
        locate(square, np.full(576, np.nan), PAPER)
