"""Places of a map that reach its threshold, whichever component they lie in."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.post import PostOptions, lit_points, locate
from vlmscope.types import Role, TokenMap, View


def token_map() -> TokenMap:
    """An image of 40 x 60 under a grid of 4 x 6 cells."""
    view = View("image", np.arange(24), np.arange(0.0, 41, 10), np.arange(0.0, 61, 10))
    return TokenMap(np.full(24, Role.IMAGE, dtype=np.int8), ("",) * 24, (40, 60), (view,))


POINTS = [(5.5, 5.5), (15.5, 5.5), (55.5, 35.5), (0.5, 39.5), (59.5, 0.5)]


def test_every_component_counts() -> None:
    weights = np.zeros(24)
    weights[[0, 1, 23]] = 1.0  # the region keeps the first two
    located = locate(token_map(), weights, PostOptions(smoothing="none", surface="grid"))
    assert not located.mask[35, 55] and located.mask[5, 5]
    assert lit_points(located, POINTS).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("surface", ["grid", "pixels"])
@pytest.mark.parametrize("threshold", ["mean", "mean-all", "otsu", "max-share"])
def test_with_one_component_it_is_the_mask(surface: str, threshold: str) -> None:
    down, across = np.mgrid[:4, :6]
    weights = np.exp(-((down - 1.4) ** 2 + (across - 2.2) ** 2) / 3).ravel()
    options = PostOptions(smoothing="none", surface=surface, threshold=threshold)
    located = locate(token_map(), weights, options)
    assert located.region.components == 1
    places = [(x + 0.5, y + 0.5) for y in range(40) for x in range(60)]
    assert np.array_equal(lit_points(located, places).reshape(40, 60), located.mask)


def test_a_flat_map_lights_nothing() -> None:
    located = locate(token_map(), np.ones(24), PostOptions(smoothing="none"))
    assert not lit_points(located, POINTS).any()
    assert lit_points(located, []).shape == (0,)
