"""What is lit: the mean as published, Otsu against brute force, a share of the maximum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handmade import map_of, view_over
from vlmscope.post import PAPER, PAPER_SEEN, PostOptions, find_region
from vlmscope.post.region import binarise, hull_area, is_flat, otsu

EVERYWHERE = np.ones((2, 3), dtype=bool)
VALUES = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 8.0]])


def test_mean_lights_what_lies_strictly_above_the_mean() -> None:
    values = np.array([[1.0, 3.0, 2.0], [2.0, 2.0, 2.0]])
    lit, limit = binarise(values, EVERYWHERE, PostOptions(threshold="mean"))
    assert limit == 2.0
    np.testing.assert_array_equal(lit, values == 3.0)


def test_max_share_lights_what_reaches_the_share() -> None:
    lit, limit = binarise(VALUES, EVERYWHERE, PostOptions(threshold="max-share", share=0.5))
    assert limit == 4.0
    np.testing.assert_array_equal(lit, VALUES >= 4.0)


def test_max_share_of_zero_does_not_light_zeros() -> None:
    lit, _ = binarise(VALUES, EVERYWHERE, PostOptions(threshold="max-share", share=0.0))
    np.testing.assert_array_equal(lit, VALUES > 0)


def test_places_the_model_never_saw_do_not_count() -> None:
    seen = np.array([[False, True, True], [True, True, False]])  # the 0 and the 8 are unseen
    lit, limit = binarise(VALUES, seen, PostOptions(threshold="mean"))
    assert limit == 2.5
    np.testing.assert_array_equal(lit, [[False, False, False], [True, True, False]])


def test_the_published_mean_is_over_all_cells_padding_included() -> None:
    seen = np.array([[False, True, True], [True, True, False]])  # the 0 and the 8 are unseen
    lit, limit = binarise(VALUES, seen, PostOptions(threshold="mean-all"))
    assert limit == VALUES.mean() != VALUES[seen].mean()
    np.testing.assert_array_equal(lit, (VALUES.mean() < VALUES) & seen)


@pytest.mark.parametrize("surface", ["grid", "pixels"])
def test_paper_and_its_better_way_on_a_padded_picture(surface: str) -> None:
    """A picture of 8 by 4 cells in a square: the border gets nothing, and so halves the mean."""
    token_map = map_of((40, 80), [view_over((0, -20, 80, 60), (8, 8))], "pad")
    grid = np.zeros((8, 8))
    grid[2:6] = 0.1 + np.random.default_rng(3).random((4, 8))
    for post, mean in ((PAPER, grid.mean()), (PAPER_SEEN, grid[2:6].mean())):
        options = dataclasses.replace(post, surface=surface)
        region = find_region(token_map, grid.ravel(), options)
        if surface == "grid" or post is PAPER:
            assert region.threshold == pytest.approx(mean)
        if surface == "grid":
            labels, count = scipy.ndimage.label(grid > mean, structure=np.ones((3, 3)))
            assert region.components == count
            cells = [np.argwhere(labels == number + 1) for number in range(count)]
            hulls = [hull_area(labels == number + 1) for number in range(count)]
            top, left = cells[int(np.argmax(hulls))].min(axis=0)
            bottom, right = cells[int(np.argmax(hulls))].max(axis=0) + 1
            assert region.box == (left * 10, top * 10 - 20, right * 10, bottom * 10 - 20)


@pytest.mark.parametrize("threshold", ["mean", "mean-all", "otsu", "max-share"])
@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3, 1e-30, -2.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_map_lights_nothing(threshold: str, value: float, dtype: type) -> None:
    values = np.full((7, 11), value, dtype=dtype).astype(np.float64)
    lit, limit = binarise(values, np.ones((7, 11), dtype=bool), PostOptions(threshold=threshold))
    assert not lit.any() and limit is None


@pytest.mark.parametrize("threshold", ["mean", "mean-all", "otsu", "max-share"])
def test_rounding_noise_is_no_object(threshold: str) -> None:
    noise = np.random.default_rng(0).random((16, 16)) * 1e-8
    lit, _ = binarise(
        1 / 256 + noise, np.ones((16, 16), dtype=bool), PostOptions(threshold=threshold)
    )
    assert not lit.any()


def test_nothing_seen_lights_nothing() -> None:
    lit, limit = binarise(VALUES, np.zeros((2, 3), dtype=bool), PostOptions())
    assert not lit.any() and limit is None


def _separation(values: np.ndarray, limit: float) -> float:
    below, above = values[values <= limit], values[values > limit]
    return len(below) * len(above) * (below.mean() - above.mean()) ** 2


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, 40, elements=st.floats(0, 1)))
def test_otsu_separates_about_as_well_as_any_threshold(values: np.ndarray) -> None:
    if is_flat(values):
        return
    best = max(_separation(values, limit) for limit in np.unique(values)[:-1])
    # 256 bins: values in one bin cannot be told apart, so a little may be lost
    assert _separation(values, otsu(values)) >= 0.97 * best


def test_otsu_finds_the_gap_between_two_groups() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.02, 300), rng.normal(0.7, 0.05, 40)])
    assert values[:300].max() <= otsu(values) < values[300:].min()


@pytest.mark.parametrize("scale", [1e-40, 1e-300, 1e12])
def test_otsu_does_not_depend_on_the_scale(scale: float) -> None:
    values = np.random.default_rng(3).random(50)
    assert otsu(values * scale) == pytest.approx(otsu(values) * scale, rel=1e-6)
