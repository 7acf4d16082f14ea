"""All objects of one map: what each way makes of it, and what holds whatever the map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handmade import map_of, view_over
from vlmscope.post import PostOptions, locate
from vlmscope.post.options import KEEPS, SPLITS, SURFACES, THRESHOLDS
from vlmscope.post.raster import cell_at, rasterise
from vlmscope.post.region import lit_parts
from vlmscope.types import Instance, TokenMap, box_iou, tight_box

PLAIN = {"smoothing": "none", "surface": "grid", "threshold": "max-share", "share": 0.5}


def instances_of(token_map: TokenMap, grid: np.ndarray, **options: object) -> list[Instance]:
    made = locate(token_map, grid.ravel(), PostOptions(**{**PLAIN, **options}))  # type: ignore[arg-type]
    return list(made.instances)


def mounds(*cells: tuple[int, int, float], side: int = 24, width: float = 2.0) -> np.ndarray:
    """A map with a round mound of a height at each (row, column, height)."""
    rows, columns = np.mgrid[:side, :side]
    each = [h * np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / width**2) for r, c, h in cells]
    return np.max(each, axis=0)


@pytest.mark.parametrize("split", SPLITS)
def test_three_apart_are_three_best_first(split: str, square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (4, 18, 0.8), (18, 11, 0.9))
    found = instances_of(square, grid, split=split)
    assert [instance.point for instance in found] == [(45, 45), (115, 185), (185, 45)]
    np.testing.assert_allclose([instance.score for instance in found], [1.0, 0.9, 0.8], atol=1e-6)


@pytest.mark.parametrize("split", SPLITS)
def test_one_that_is_too_low_is_none(split: str, square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (18, 18, 0.7))
    assert len(instances_of(square, grid, split=split, further=0.71)) == 1
    assert len(instances_of(square, grid, split=split, further=0.69)) == 2


def test_heights_reach_to_a_share_of_their_own_peak(square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (17, 17, 0.7))
    narrow, wide = (
        instances_of(square, grid, further=0.5, rim=rim)[1].mask.sum() for rim in (0.8, 0.3)
    )
    assert narrow < wide
    heights = grid[grid.shape[0] // 2 :, grid.shape[1] // 2 :]
    assert wide == 100 * (heights >= 0.3 * 0.7).sum()  # a cell is 10x10 pixels


def test_components_are_what_is_lit_and_unlit_peaks_are_none(square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (17, 17, 0.7))
    assert len(instances_of(square, grid, split="components", share=0.8, further=0.5)) == 1
    found = instances_of(square, grid, split="components", share=0.6, further=0.5)
    assert found[1].mask.sum() == 100 * (grid[12:, 12:] >= 0.6).sum()


def test_two_further_ones_that_touch_are_told_apart_but_by_components(square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (18, 13, 0.9), (18, 17, 0.9), width=2.6)
    options = {"share": 0.4, "keep": "peak"}  # the hull of the two would be the first
    counts = {way: len(instances_of(square, grid, split=way, **options)) for way in SPLITS}
    assert counts == {"heights": 3, "components": 2, "basins": 3}


@pytest.mark.parametrize("split", SPLITS)
def test_two_that_touch_in_the_first_part_are_one(split: str, square: TokenMap) -> None:
    grid = mounds((12, 10, 1.0), (12, 14, 0.95), width=2.6)
    (only,) = instances_of(square, grid, split=split)
    assert only.mask[120, 100] and only.mask[120, 140]


def test_a_dent_makes_no_second_object(square: TokenMap) -> None:
    grid = mounds((4, 4, 1.0), (18, 14, 0.9), (18, 17, 0.9), width=2.6)
    assert grid[18, 14] > grid[18, 15]
    assert len(instances_of(square, grid)) == 2


def test_the_first_is_the_one_that_is_kept_even_where_a_further_one_is_stronger(
    square: TokenMap,
) -> None:
    grid = np.zeros((24, 24))
    grid[2:9, 2:9] = 0.8  # the larger hull
    grid[18:20, 18:20] = 1.0
    first, further = instances_of(square, grid)
    assert first.box == (20, 20, 90, 90)
    assert first.point == (25, 25)  # its own: the map's strongest place is the other's
    assert further.box == (180, 180, 200, 200)
    assert (first.score, further.score) == (1.0, 1.0)


def test_a_flat_map_has_none(square: TokenMap) -> None:
    assert instances_of(square, np.full((24, 24), 0.3)) == []


def test_padding_holds_none(padded: TokenMap) -> None:
    grid = np.zeros((8, 8))
    grid[4, 1], grid[0, 6], grid[7, 6] = 1.0, 1.0, 0.9  # the last two lie over the border
    (only,) = instances_of(padded, grid)
    assert only.point == (37.5, 62.5)


def test_two_tiles_hold_one_each(tiled: TokenMap) -> None:
    weights = np.zeros(48)
    weights[[5, 16 + 10]] = 1.0, 0.9
    made = locate(tiled, weights, PostOptions(smoothing="none", threshold="max-share", share=0.5))
    assert [box_iou(each.box, made.box) > 0.9 for each in made.instances] == [True, False]


def test_cells_finer_than_pixels_share_none() -> None:
    token_map = map_of((2, 2), [view_over((0, 0, 2, 2), (9, 9))])
    grid = np.zeros((9, 9))
    grid[0, 0], grid[0, 2], grid[8, 8] = 1.0, 0.9, 0.8
    found = instances_of(token_map, grid)
    assert sum(each.mask.astype(int) for each in found).max() == 1  # type: ignore[union-attr]


def some_map(draw: st.DrawFn) -> TokenMap:
    """One grid, or two side by side, over all, more or a part of the image."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    kind = draw(st.sampled_from(["resize", "pad", "crop", "tiles"]))
    if kind == "tiles":
        half = width / 2
        left = view_over((0, 0, half, height), (rows, columns), 0, "left")
        right = view_over((half, 0, width, height), (rows, columns), rows * columns, "right")
        return map_of((height, width), [left, right])
    margin = {"resize": 0.0, "pad": -3.5, "crop": min(height, width) / 5}[kind]
    box = margin, margin, width - margin, height - margin
    return map_of((height, width), [view_over(box, (rows, columns))], kind)


@st.composite
def cases(draw: st.DrawFn) -> tuple[TokenMap, np.ndarray, PostOptions]:
    token_map = some_map(draw)
    count = len(token_map.image_positions)
    values = draw(
        st.lists(
            st.one_of(st.integers(-2, 3).map(float), st.floats(-1e3, 1e3, allow_subnormal=False)),
            min_size=count,
            max_size=count,
        )
    )
    options = PostOptions(
        smoothing=draw(st.sampled_from(["none", "relative"])),
        threshold=draw(st.sampled_from(THRESHOLDS)),
        share=draw(st.floats(0, 1)),
        keep=draw(st.sampled_from(KEEPS)),
        surface=draw(st.sampled_from(SURFACES)),
        split=draw(st.sampled_from(SPLITS)),
        further=draw(st.floats(0, 1)),
        rim=draw(st.floats(0, 1)),
    )
    return token_map, np.array(values), options


@settings(max_examples=150, deadline=None)
@given(cases())
def test_whatever_the_map(case: tuple[TokenMap, np.ndarray, PostOptions]) -> None:
    token_map, weights, options = case
    made = locate(token_map, weights, options)
    found = made.instances
    if made.box is None:
        assert found == ()
        return
    assert found[0].box == made.box
    np.testing.assert_array_equal(found[0].mask, made.mask)
    assert found[0].score == 1.0
    scores = [instance.score for instance in found]
    assert scores == sorted(scores, reverse=True)
    assert all(options.further <= score <= 1 for score in scores)
    assert sum(each.mask.astype(int) for each in found).max() == 1  # type: ignore[union-attr]
    for instance in found:
        around(instance, token_map)
    within_the_seen_and_the_lit(found, made.weights, token_map, options)


def around(instance: Instance, token_map: TokenMap) -> None:
    """The point lies in the box, the box fits the mask to a pixel, and both lie in the image.

    Cells narrower than a pixel may miss every centre: the mask is then smaller than the box.
    """
    (height, width), (x0, y0, x1, y1) = token_map.image_size, instance.box
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert x0 <= instance.point[0] <= x1 and y0 <= instance.point[1] <= y1
    inner = tight_box(instance.mask)
    assert inner is not None
    assert x0 - 1 < inner[0] and y0 - 1 < inner[1] and inner[2] < x1 + 1 and inner[3] < y1 + 1
    if finest(token_map) >= 1:
        assert np.abs(np.subtract(inner, instance.box)).max() <= 1


def finest(token_map: TokenMap) -> float:
    """The narrowest side of a cell inside the image, in pixels."""
    height, width = token_map.image_size
    sides = [
        np.diff(np.clip(edges, 0, size))
        for view in token_map.views
        for edges, size in ((view.y_edges, height), (view.x_edges, width))
    ]
    every = np.concatenate(sides)
    return float(every[every > 0].min())


def within_the_seen_and_the_lit(
    found: tuple[Instance, ...],
    weights: np.ndarray,
    token_map: TokenMap,
    options: PostOptions,
) -> None:
    """Every point is of a place that shows the picture, and lit where the way wants that."""
    raster = rasterise(token_map, weights, options.surface)
    labels = lit_parts(token_map, weights, options).labels
    for number, instance in enumerate(found):
        place = cell_at(raster, instance.point)
        assert raster.seen[place]
        if options.split != "heights" or number == 0:
            assert labels[place] > 0
