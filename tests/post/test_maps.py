"""Smoothing keeps attention, and means the same on every grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handmade import map_of, view_over
from vlmscope.errors import AttentionError
from vlmscope.post import PAPER, PostOptions, combine, smooth
from vlmscope.post.maps import window
from vlmscope.types import TokenMap


def _gaussian(sigma: float, radius: int) -> np.ndarray:
    steps = np.arange(-radius, radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    return weights / weights.sum()


def test_the_paper_smooths_with_a_7_by_7_gaussian_of_sigma_1(square: TokenMap) -> None:
    impulse = np.zeros((24, 24))
    impulse[10, 12] = 1.0
    found = smooth(square, impulse.ravel(), PAPER).reshape(24, 24)
    kernel = np.outer(_gaussian(1.0, 3), _gaussian(1.0, 3))
    expected = np.zeros((24, 24))
    expected[7:14, 9:16] = kernel
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_relative_sigma_is_the_papers_on_24_cells_and_shrinks_with_the_grid() -> None:
    relative = PostOptions()
    assert window(relative, 24) == window(PAPER, 24) == (1.0, 3)
    assert window(relative, 12) == (0.5, 2)
    assert window(relative, 48) == (2.0, 6)
    assert window(PAPER, 12) == (1.0, 3)


def test_relative_smoothing_goes_by_each_axis() -> None:
    token_map = map_of((240, 120), [view_over((0, 0, 120, 240), (24, 6))])
    impulse = np.zeros((24, 6))
    impulse[12, 3] = 1.0
    found = smooth(token_map, impulse.ravel(), PostOptions()).reshape(24, 6)
    spread = [math.sqrt(_variance(found.sum(axis=axis))) for axis in (1, 0)]
    assert spread[0] == pytest.approx(1.0, abs=0.03)
    assert spread[1] < 0.3


def _variance(weights: np.ndarray) -> float:
    places = np.arange(len(weights))
    middle = (weights * places).sum() / weights.sum()
    return float((weights * (places - middle) ** 2).sum() / weights.sum())


@pytest.mark.parametrize("options", [PostOptions(smoothing="none"), PostOptions(sigma=0)])
def test_no_smoothing_changes_nothing(square: TokenMap, options: PostOptions) -> None:
    maps = np.random.default_rng(0).random((2, 576))
    np.testing.assert_array_equal(smooth(square, maps, options), maps)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float64, (7, 5), elements=st.floats(0, 1)), st.floats(0.1, 4))
def test_smoothing_neither_adds_nor_loses_attention(grid: np.ndarray, sigma: float) -> None:
    token_map = map_of((70, 50), [view_over((0, 0, 50, 70), (7, 5))])
    found = smooth(token_map, grid.ravel(), PostOptions(smoothing="absolute", sigma=sigma))
    assert found.sum() == pytest.approx(grid.sum(), abs=1e-9)


def test_views_do_not_bleed_into_each_other(tiled: TokenMap) -> None:
    maps = np.zeros(48)
    maps[:16] = 1.0  # all of tile 0
    found = smooth(tiled, maps, PAPER)
    np.testing.assert_allclose(found, maps, atol=1e-12)


def test_combining_is_the_mean_of_the_smoothed_maps(square: TokenMap) -> None:
    maps = np.random.default_rng(1).random((3, 576))
    expected = sum(smooth(square, one, PAPER) for one in maps) / 3
    np.testing.assert_allclose(combine(square, maps, PAPER), expected, atol=1e-12)


def test_one_head_on_its_own_is_not_mixed_with_the_next(square: TokenMap) -> None:
    maps = np.zeros((2, 576))
    maps[1] = 1.0
    np.testing.assert_array_equal(smooth(square, maps, PAPER)[0], np.zeros(576))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_overflowed_attention_is_refused(square: TokenMap, bad: float) -> None:
    maps = np.zeros((1, 576))
    maps[0, 5] = bad
    with pytest.raises(AttentionError, match="NaN or infinity"):
        combine(square, maps, PAPER)


def test_no_head_at_all_is_refused(square: TokenMap) -> None:
    with pytest.raises(AttentionError, match="one head at least"):
        combine(square, np.zeros((0, 576)), PAPER)
