"""Words decide about pixels: the softmax over all of them, the area rule at its ties, the background."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vlmscope.post import PaintedGrid, WordRule, painted_grid, word_labels
from vlmscope.types import BACKGROUND


def on_pixels(labels: NDArray[np.int64], words: int, sure: float = 1.0) -> PaintedGrid:
    """Each pixel is a cell, and one word of it has a score of ``sure``, the next of half of it."""
    height, width = labels.shape
    cells = np.zeros((height, width, words), dtype=np.float32)
    np.put_along_axis(cells, labels[..., None], sure, axis=-1)
    second = (labels + 1) % words
    np.put_along_axis(cells, second[..., None], sure / 2, axis=-1)
    return PaintedGrid(cells, np.eye(height, dtype=np.float32), np.eye(width, dtype=np.float32))


def row(**areas: int) -> NDArray[np.int64]:
    """One line of pixels: ``w0=3, w2=1``."""
    return np.concatenate([np.full(n, int(name[1:])) for name, n in areas.items()])[None]


@pytest.mark.parametrize("band", [1, 1 << 22])
def test_a_tie_of_the_area_rule_is_kept(monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    monkeypatch.setattr(painted_grid, "_BAND_VALUES", band)
    rule = WordRule(range(4), 4, 20.0, 0, None, 0.1)
    truth = row(w0=100, w1=3, w2=27, w3=0)
    kept = word_labels(on_pixels(truth, 4), rule).labels
    np.testing.assert_array_equal(kept, truth)  # 3 of 30 of the foreground, not of 130
    truth = row(w0=100, w1=3, w2=28)
    dropped = word_labels(on_pixels(truth, 4), rule).labels
    np.testing.assert_array_equal(dropped[0, 100:103], 2)  # the second best takes them
    np.testing.assert_array_equal(dropped[0, 103:], 2)


def test_without_a_background_every_class_is_foreground() -> None:
    truth = row(w0=9, w1=91)
    rule = WordRule(range(3), 3, 20.0, None, None, 0.1)
    assert (word_labels(on_pixels(truth, 3), rule).labels == 1).sum() == 100


def test_a_picture_of_background_alone() -> None:
    truth = row(w0=12)
    rule = WordRule(range(3), 3, 20.0, 0, None, 0.1)
    np.testing.assert_array_equal(word_labels(on_pixels(truth, 3), rule).labels, truth)


def test_words_of_a_class_do_not_add_up_and_share_the_softmax() -> None:
    cells = np.array([[[1.0, 1.0, 1.1, 0.0]]], dtype=np.float32)
    painted = PaintedGrid(cells, np.eye(1, dtype=np.float32), np.eye(1, dtype=np.float32))
    found = word_labels(painted, WordRule([0, 0, 1, 2], 3, 2.0))
    assert found.labels.item() == 1  # two words of .29 each are no .58
    chances = np.exp(2 * cells[0, 0]) / np.exp(2 * cells[0, 0]).sum()
    assert found.confidence is not None
    assert found.confidence[1] == pytest.approx(chances[2], rel=1e-6)


@pytest.mark.parametrize(("background", "expected"), [(None, BACKGROUND), (2, 2)])
def test_below_the_floor_is_background(background: int | None, expected: int) -> None:
    truth = row(w0=1, w1=1)
    painted = on_pixels(truth, 3, sure=0.0)
    found = word_labels(painted, WordRule(range(3), 3, 20.0, background, 0.34))
    assert (found.labels == expected).all()
    sure = word_labels(on_pixels(truth, 3), WordRule(range(3), 3, 20.0, background, 0.34))
    np.testing.assert_array_equal(sure.labels, truth)


def test_a_background_without_words_is_only_what_falls_below() -> None:
    truth = row(w0=5, w1=5)
    rule = WordRule([1, 2], 3, 20.0, 0, 0.9)
    found = word_labels(on_pixels(truth, 2), rule)
    np.testing.assert_array_equal(found.labels, truth + 1)
    flat = word_labels(on_pixels(truth, 2, sure=0.0), rule)
    assert (flat.labels == 0).all()
    assert flat.confidence is not None
    assert flat.confidence.tolist() == [0.0, 0.0, 0.0]
