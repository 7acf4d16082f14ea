"""Refinement by pixels: a naive loop agrees, borders included, and its size is bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from handmade import map_of, view_over
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.pixel_adaptive import (
    DISTANCES,
    class_scores,
    neighbour_weights,
    refine_by_pixels,
    refined_grid,
)
from vlmscope.post import smooth
from vlmscope.types import TokenMap


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def over(size: tuple[int, int], grid: tuple[int, int]) -> TokenMap:
    return map_of(size, [view_over((0, 0, size[1], size[0]), grid)])


def places(y: int, x: int, height: int, width: int) -> list[tuple[int, int]]:
    """The neighbours of a pixel, those beyond the border moved onto it."""
    return [
        (min(max(y + far * dy, 0), height - 1), min(max(x + far * dx, 0), width - 1))
        for far in DISTANCES
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
        if (dy, dx) != (0, 0)
    ]


def naive(scores: NDArray[np.float64], colours: NDArray[np.float64], times: int) -> NDArray:
    """(height, width, classes) by the formula, pixel by pixel."""
    height, width = colours.shape[:2]
    weights = {}
    for y in range(height):
        for x in range(width):
            around = np.array([colours[at] for at in places(y, x, height, width)])
            own = np.repeat(colours[y, x][None], len(DISTANCES), axis=0)
            spread = np.concatenate([around, own]).std(axis=0, ddof=1)
            likeness = (-np.abs(around - colours[y, x]) / (0.1 * spread + 1e-8)).mean(axis=1)
            raised = np.exp(likeness - likeness.max())
            weights[y, x] = raised / raised.sum()
    for _ in range(times):
        scores = np.array(
            [
                [
                    sum(
                        w * scores[at]
                        for w, at in zip(weights[y, x], places(y, x, height, width), strict=True)
                    )
                    for x in range(width)
                ]
                for y in range(height)
            ]
        )
    return scores


@pytest.mark.parametrize("size", [(9, 13), (30, 5), (1, 7)])
@pytest.mark.parametrize("times", [1, 3])
def test_a_naive_loop_agrees(size: tuple[int, int], times: int) -> None:
    pixels = noise(*size)
    cells = np.random.default_rng(1).normal(size=(size[0] * size[1], 35)).astype(np.float32)
    where, refined = refine_by_pixels(over(size, size), cells, pixels, times, 64)
    assert where.views[0].grid == size
    expected = naive(cells.reshape(*size, -1).astype(np.float64), pixels / 255, times)
    np.testing.assert_allclose(refined.reshape(*size, -1), expected, atol=2e-5)


def test_scores_are_painted_on_the_working_size_as_on_pixels() -> None:
    """One step on a picture of one colour is a plain mean of painted scores."""
    size, grid = (12, 16), (3, 5)
    token_map, cells = over(size, grid), np.random.default_rng(2).normal(size=(15, 2))
    pixels = np.full((*size, 3), 90, np.uint8)
    _, refined = refine_by_pixels(token_map, cells, pixels, 1, 16)
    painted = np.stack([token_map.to_pixels(column) for column in cells.T], axis=-1)
    y, x = 5, 3
    mean = np.mean([painted[at] for at in places(y, x, *size)], axis=0)
    np.testing.assert_allclose(refined.reshape(*size, 2)[y, x], mean, atol=1e-5)


def test_a_smaller_working_size_covers_the_whole_picture() -> None:
    token_map, cells = over((40, 60), (4, 6)), np.random.default_rng(3).normal(size=(24, 3))
    where, refined = refine_by_pixels(token_map, cells, noise(40, 60), 2, 30)
    (view,) = where.views
    assert view.grid == (20, 30) and refined.shape == (600, 3)
    assert (view.y_edges[-1], view.x_edges[-1]) == (40, 60)
    assert where.image_size == (40, 60)


def test_an_edge_of_colour_stops_scores() -> None:
    """Two halves of two colours, scores that are wrong by two columns: the edge is where colour says."""
    size = (24, 24)
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, 12:] = 200
    cells = np.zeros((*size, 2), np.float32)
    cells[:, :14, 0] = cells[:, 14:, 1] = 1
    _, refined = refine_by_pixels(over(size, size), cells.reshape(-1, 2), pixels, 10, 24)
    labels = refined.reshape(*size, 2).argmax(axis=-1)
    np.testing.assert_array_equal(labels, np.broadcast_to(np.arange(24) >= 12, size))


def test_weights_sum_to_one_and_a_class_of_one_score_keeps_it() -> None:
    neighbours, weights = neighbour_weights(torch.rand(6, 7, 3))
    assert neighbours.shape == weights.shape == (42, 48)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(42))
    _, refined = refine_by_pixels(over((6, 7), (2, 2)), np.full((4, 1), 0.25), noise(6, 7), 10, 8)
    np.testing.assert_allclose(refined, 0.25, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "classes", "expected"),
    [
        ((480, 640), 133, (252, 336)),  # the longer side decides
        ((100, 80), 2, (100, 80)),  # never enlarged
        ((3000, 4000), 133, (252, 336)),
        ((3000, 4000), 10_000, (50, 67)),  # the number of classes decides
        ((1, 5000), 2, (1, 336)),
    ],
)
def test_the_working_size_is_bounded(
    size: tuple[int, int], classes: int, expected: tuple[int, int]
) -> None:
    assert refined_grid(size, classes, 336) == expected


def test_scores_are_smoothed_first_and_left_alone_unless_asked() -> None:
    token_map, cells = over((20, 20), (4, 4)), np.random.default_rng(4).normal(size=(16, 3))
    plain = DenseOptions(smoothing="relative")
    smoothed = smooth(token_map, cells.T, plain).T
    where, kept = class_scores(token_map, cells, noise(20, 20), plain)
    assert where is token_map
    np.testing.assert_array_equal(kept, smoothed)
    asked = DenseOptions(smoothing="relative", refine_pixels=2, refine_side=16)
    where, refined = class_scores(token_map, cells, noise(20, 20), asked)
    _, expected = refine_by_pixels(token_map, smoothed, noise(20, 20), 2, 16)
    assert where.views[0].grid == (16, 16)
    np.testing.assert_array_equal(refined, expected)


def test_a_share_of_the_mean_is_taken_off_before_anything_else() -> None:
    token_map, cells = over((20, 20), (4, 4)), np.random.default_rng(5).normal(size=(16, 3))
    plain = DenseOptions(smoothing="relative")
    _, found = class_scores(
        token_map, cells, noise(20, 20), DenseOptions(smoothing="relative", discount=0.4)
    )
    less = cells - 0.4 * cells.mean(axis=0)
    np.testing.assert_allclose(found, smooth(token_map, less.T, plain).T, atol=1e-9)
