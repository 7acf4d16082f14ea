"""Labels from scores: bands of rows change nothing, and every rule is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from handmade import map_of, view_over
from vlmscope.post import PostOptions, competing_labels, painted_grid, standalone_labels
from vlmscope.types import BACKGROUND, TokenMap


def token_map(size: tuple[int, int] = (37, 53), grid: tuple[int, int] = (4, 6)) -> TokenMap:
    return map_of(size, [view_over((0, 0, size[1], size[0]), grid)])


def scores(classes: int, tokens: int = 24, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, (tokens, classes)).astype(np.float32)


def painted(where: TokenMap, values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([where.to_pixels(column) for column in values.T])


@pytest.mark.parametrize("band", [1, 300, 1 << 22])
@pytest.mark.parametrize("grid", [(4, 6), (1, 24), (24, 1)])
def test_bands_give_what_whole_maps_give(
    monkeypatch: pytest.MonkeyPatch, band: int, grid: tuple[int, int]
) -> None:
    monkeypatch.setattr(painted_grid, "_BAND_VALUES", band)
    where, values = token_map(grid=grid), scores(5)
    logits = painted(where, values).astype(np.float64) * 20
    probability = np.exp(logits) / np.exp(logits).sum(axis=0)
    expected = np.where(probability.max(axis=0) >= 0.5, logits.argmax(axis=0), BACKGROUND)
    found = competing_labels(where, values, 20.0, 0.5)
    np.testing.assert_array_equal(found.labels, expected)
    assert found.confidence is not None
    for index, value in enumerate(found.confidence):
        mask = expected == index
        assert value == pytest.approx(probability[index][mask].mean() if mask.any() else 0, 1e-4)


def test_every_pixel_has_a_class_without_a_floor() -> None:
    found = competing_labels(token_map(), scores(3), 100.0)
    assert set(np.unique(found.labels)) <= {0, 1, 2}


def test_large_logits_do_not_overflow() -> None:
    found = competing_labels(token_map(), scores(3) * 1e4, 1e3, 0.5)
    assert found.confidence is not None
    assert np.isfinite(found.confidence).all()


def test_equal_scores_go_to_the_first_class() -> None:
    found = competing_labels(token_map(), np.zeros((24, 4), np.float32), 10.0, 0.2)
    assert (found.labels == 0).all()
    assert found.confidence is not None
    assert found.confidence.tolist() == [0.25, 0, 0, 0]


def test_standalone_classes_have_their_own_limits() -> None:
    where = token_map((40, 60), (4, 6))
    values = np.zeros((24, 3), dtype=np.float32)
    values[[7, 8], 0] = 0.3
    values[[8, 9], 1] = 0.5
    values[:, 2] = 0.9  # flat: lit nowhere, however large
    options = PostOptions(threshold="mean")
    found = standalone_labels(where, values, options)
    maps = painted(where, values)
    lit = maps[:2] > values[:, :2].mean(axis=0)[:, None, None]
    expected = np.full((40, 60), BACKGROUND)
    expected[lit[0]] = 0
    expected[lit[1] & (~lit[0] | (maps[1] > maps[0]))] = 1
    np.testing.assert_array_equal(found.labels, expected)
    assert found.confidence is None
    assert {0, 1, BACKGROUND} == set(np.unique(found.labels))
