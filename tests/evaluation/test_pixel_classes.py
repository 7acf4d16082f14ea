"""Classes of chosen pixels are those of maps that are painted whole."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.evaluation.pixel_classes import classify_pixels
from vlmscope.models.encoders.patches import grid_map
from vlmscope.types import Role, TokenMap, View


def two_tiles() -> TokenMap:
    """An image of 30x40 in a left and a right tile of 3x2 and 2x3 cells."""
    left = View("left", np.arange(6), np.linspace(0, 30, 4), np.linspace(0, 20, 3))
    right = View("right", np.arange(6, 12), np.linspace(0, 30, 3), np.linspace(20, 40, 4))
    roles = np.full(12, Role.IMAGE, dtype=np.int8)
    return TokenMap(roles, ("",) * 12, (30, 40), (left, right))


def painted(token_map: TokenMap, scores: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.stack([token_map.to_pixels(column)[where] for column in scores.T], axis=1)


@pytest.mark.parametrize(
    "token_map",
    [grid_map((37, 51), (4, 6)), grid_map((20, 9), (1, 1)), grid_map((5, 7), (8, 9)), two_tiles()],
    ids=["grid", "one cell", "cells below a pixel", "tiles"],
)
def test_the_class_is_the_arg_max_of_painted_maps(token_map: TokenMap) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(token_map), 5)).astype(np.float32)
    where = rng.uniform(size=token_map.image_size) < 0.4
    where[3] = False  # a line without a pixel
    found = classify_pixels(token_map, scores, where)
    maps = painted(token_map, scores, where)
    # up to rounding: the class found is one of the best
    best = maps[np.arange(len(found)), found]
    assert np.allclose(best, maps.max(axis=1), atol=1e-6)
    assert (found == maps.argmax(axis=1)).mean() > 0.99


def test_no_pixel_gives_no_class() -> None:
    token_map = grid_map((10, 10), (2, 2))
    assert classify_pixels(token_map, np.zeros((4, 3)), np.zeros((10, 10), bool)).shape == (0,)
