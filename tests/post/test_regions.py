"""Regions get the mean of painted scores, and their pixels the class that this decides."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from handmade import map_of, view_over
from vlmscope.post import PostOptions, Regions, competing_labels, standalone_labels, vote
from vlmscope.types import BACKGROUND, TokenMap

SIZE = (37, 53)


def token_map(grid: tuple[int, int] = (4, 6)) -> TokenMap:
    return map_of(SIZE, [view_over((0, 0, SIZE[1], SIZE[0]), grid)])


def scores(tokens: int, classes: int = 4, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, (tokens, classes)).astype(np.float32)


def masks() -> list[NDArray[np.bool_]]:
    """Three that overlap: one of scattered pixels, a block, and one without a pixel."""
    scattered = np.random.default_rng(1).uniform(size=SIZE) < 0.5
    block = np.zeros(SIZE, bool)
    block[5:20, 10:30] = True
    return [scattered, block, np.zeros(SIZE, bool)]


def painted(where: TokenMap, values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.stack([where.to_pixels(column) for column in values.T], axis=-1)


@pytest.mark.parametrize("grid", [(4, 6), (1, 1), (150, 140)])
def test_scores_are_means_of_painted_ones(grid: tuple[int, int]) -> None:
    where, values = token_map(grid), scores(grid[0] * grid[1])
    found = vote(where, values, masks())
    maps = painted(where, values)
    for row, mask in zip(found.scores[:2], masks(), strict=False):
        np.testing.assert_allclose(row, maps[mask].mean(axis=0), atol=1e-6)
    assert (found.scores[2] == 0).all() and found.scores.dtype == np.float32


def test_the_later_mask_lies_on_top() -> None:
    scattered, block, _ = masks()
    found = vote(token_map(), scores(24), masks())
    np.testing.assert_array_equal(found.owners, np.where(block, 1, np.where(scattered, 0, -1)))


def test_no_mask_owns_nothing() -> None:
    found = vote(token_map(), scores(24), [])
    assert (found.owners == -1).all() and found.scores.shape == (0, 4)
    plain = competing_labels(token_map(), scores(24), 20.0)
    voted = competing_labels(token_map(), scores(24), 20.0, regions=found)
    np.testing.assert_array_equal(plain.labels, voted.labels)
    np.testing.assert_array_equal(plain.confidence, voted.confidence)


@pytest.mark.parametrize("floor", [None, 0.6])
def test_pixels_of_a_region_go_where_its_mean_does(floor: float | None) -> None:
    where, values = token_map(), scores(24)
    regions = vote(where, values, masks())
    found = competing_labels(where, values, 20.0, floor, regions)
    effective = painted(where, values)
    for index, mask in enumerate(masks()):
        effective[mask & (regions.owners == index)] = regions.scores[index]
    logits = effective * 20.0
    probability = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    best = np.where(probability.max(axis=-1) >= (floor or 0), logits.argmax(axis=-1), BACKGROUND)
    np.testing.assert_array_equal(found.labels, best)
    assert len(np.unique(best)) > 2 and found.confidence is not None
    for index, value in enumerate(found.confidence):
        own = best == index
        assert value == pytest.approx(probability[own, index].mean() if own.any() else 0, rel=1e-4)


def test_regions_are_lit_as_a_whole() -> None:
    options = PostOptions(threshold="mean")
    where, values = token_map(), scores(24)
    regions = vote(where, values, masks())
    found = standalone_labels(where, values, options, regions).labels
    plain = standalone_labels(where, values, options).labels
    np.testing.assert_array_equal(found[regions.owners < 0], plain[regions.owners < 0])
    limits = values.mean(axis=0)
    for index in (0, 1):
        lit = np.where(regions.scores[index] > limits, regions.scores[index], -np.inf)
        expected = BACKGROUND if np.isinf(lit).all() else lit.argmax()
        assert (found[regions.owners == index] == expected).all()


def test_a_region_that_is_lit_nowhere_is_background() -> None:
    where = token_map()
    regions = Regions(np.zeros(SIZE, np.int32), np.full((1, 4), -9, np.float32))
    labels = standalone_labels(where, scores(24), PostOptions(threshold="mean"), regions).labels
    assert (labels == BACKGROUND).all()
