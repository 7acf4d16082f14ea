"""Labels at equality, of single pixels, of absent classes, and how much is held at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import (
    PaintedGrid,
    PostOptions,
    competing_labels,
    painted_grid,
    standalone_labels,
)
from vlmscope.post.region import binarise
from vlmscope.types import BACKGROUND, TokenMap

MEAN = PostOptions(threshold="mean")


def line(cells: int, pixels_each: int = 1) -> TokenMap:
    """One row of cells, one pixel high."""
    width = cells * pixels_each
    return map_of((1, width), [view_over((0, 0, width, 1), (1, cells))])


@pytest.fixture
def heights(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows of pixels each band has, as they are asked for."""
    every: list[int] = []
    bands = PaintedGrid.bands

    def watched(*arguments: Any) -> Iterator[Any]:
        for rows, band in bands(*arguments):
            every.append(len(band))
            yield rows, band

    monkeypatch.setattr(PaintedGrid, "bands", watched)
    return every


def test_sixteen_megabytes_of_scores_are_held_at_a_time(heights: list[int]) -> None:
    """5000 classes on 53 pixels are 265 000 values a row: 15 rows stay below 2**22 values."""
    token_map = map_of((37, 53), [view_over((0, 0, 53, 37), (2, 3))])
    competing_labels(token_map, np.zeros((6, 5000), np.float32), 1.0)
    assert heights == [15, 15, 7]


def test_a_row_is_held_however_large_it_is(
    heights: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painted_grid, "_BAND_VALUES", 1)
    token_map = map_of((3, 4), [view_over((0, 0, 4, 3), (2, 3))])
    standalone_labels(token_map, np.eye(6, 2), MEAN)
    assert heights == [1, 1, 1]


def test_labels_are_uint16() -> None:
    scores = np.eye(2)
    assert competing_labels(line(2), scores, 1.0).labels.dtype == np.uint16
    assert standalone_labels(line(2), scores, MEAN).labels.dtype == np.uint16


@pytest.mark.parametrize(("floor", "label"), [(0.25, 0), (0.2500001, BACKGROUND), (None, 0)])
def test_a_probability_that_reaches_the_floor_is_kept(floor: float | None, label: int) -> None:
    found = competing_labels(line(3), np.zeros((3, 4)), 1.0, floor)
    assert found.labels.tolist() == [[label] * 3]


def test_a_class_of_one_pixel_has_the_confidence_of_that_pixel() -> None:
    scores = np.log([[3.0, 1.0], [1.0, 4.0], [9.0, 1.0]])  # 3/4, 4/5 and 9/10
    found = competing_labels(line(3), scores, 1.0)
    assert found.labels.tolist() == [[0, 1, 0]]
    assert found.confidence is not None and found.confidence.dtype == np.float32
    assert found.confidence.tolist() == pytest.approx([(0.75 + 0.9) / 2, 0.8])


def test_a_class_without_a_pixel_has_no_confidence() -> None:
    found = competing_labels(line(3), np.array([[0.0, 1.0, 0.0]] * 3), 1.0)
    assert found.confidence is not None
    assert found.confidence.tolist() == pytest.approx([0, np.e / (np.e + 2), 0])


def test_a_class_is_lit_strictly_above_its_mean() -> None:
    scores = np.array([[0.0], [2.0], [1.0], [1.0]])  # mean 1
    found = standalone_labels(line(4), scores, MEAN)
    assert found.labels.tolist() == [[BACKGROUND, 0, BACKGROUND, BACKGROUND]]


@pytest.mark.parametrize(
    ("share", "lit"),
    [(0.5, [1, 2]), (0.5000001, [2]), (1.0, [2]), (0.25, [1, 2, 3]), (0.0, [1, 2, 3])],
)
def test_a_share_of_the_maximum_is_lit_from_the_share_on(share: float, lit: list[int]) -> None:
    """As :func:`binarise` has it for one map alone; what is not above 0 is never lit."""
    scores = np.array([[0.0], [0.5], [1.0], [0.25], [-1.0]])
    options = PostOptions(threshold="max-share", share=share)
    found = standalone_labels(line(5), scores, options)
    assert np.flatnonzero(found.labels[0] == 0).tolist() == lit
    alone, _ = binarise(scores.T, np.ones((1, 5), dtype=bool), options)
    assert np.flatnonzero(alone[0]).tolist() == lit


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_class_without_a_score_above_zero_is_lit_nowhere(share: float) -> None:
    scores = np.array([[-3.0, 0.2], [-2.0, 0.1], [-1.0, 0.1]])
    found = standalone_labels(line(3), scores, PostOptions(threshold="max-share", share=share))
    assert found.labels[0, 0] == 1 and 0 not in found.labels


def test_scores_and_their_mean_are_compared_in_the_precision_of_the_scores() -> None:
    """The mean is less than one by an eighth of a step of float32: that is one."""
    one = np.float32(1.0)
    scores = np.array([0, 2, np.nextafter(one, 0), one, one, one, one, one], np.float32)
    found = standalone_labels(line(8), scores[:, None], MEAN)
    assert np.flatnonzero(found.labels[0] == 0).tolist() == [1]
