"""What is kept of a sample, and what it is as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.attention import HeadMaps
from vlmscope.errors import AttentionError
from vlmscope.heads.measures import measure, stack
from vlmscope.types import Head


def maps(values: np.ndarray) -> HeadMaps:
    """Two heads on two rows of three cells, read at three tokens."""
    token_map = map_of((20, 30), [view_over((0, 0, 30, 20), (2, 3))])
    heads = (Head(0, 0), Head(0, 1))
    return HeadMaps(heads, values.astype(np.float32), token_map, "paper", ("a", "red", "cat"))


def spots() -> HeadMaps:
    """One head on two cells that do not touch, 0.3 and 0.1 in the mean, and one that is flat."""
    values = np.zeros((2, 3, 6))
    values[0, 0, 0] = 0.9
    values[0, 1, 5] = 0.3
    values[1] = 0.1
    return maps(values)


def test_rows_are_averaged() -> None:
    found = spots().one_row()
    np.testing.assert_allclose(found, [[0.3, 0, 0, 0, 0, 0.1], [0.1] * 6], rtol=1e-6)


def test_no_row_is_an_error() -> None:
    with pytest.raises(AttentionError, match="No row was read"):
        maps(np.zeros((2, 0, 6))).one_row()


def test_one_row_is_itself() -> None:
    assert maps(np.full((2, 1, 6), 0.5)).one_row().tolist() == [[0.5] * 6] * 2


def test_a_sample_is_kept_as_a_few_numbers() -> None:
    # above the mean, 0.4 / 6, are 7 / 30 and 1 / 30: shares 7 / 8 and 1 / 8
    assert measure(spots()) == {
        "sums": [0.4, 0.6],
        "area": [0.6931472, None],  # log 2 to seven digits; a flat map has none
        "mass": [0.3767702, None],
        "bottom": [1, 0],
        "preset": "paper",
        "placement": "resize",
        "row_token": "cat",
    }


def test_samples_are_stacked_and_what_has_no_entropy_is_infinite() -> None:
    other = {"sums": [0, 1], "area": [0, 1], "mass": [1, 0], "bottom": [0, 1]}
    found = stack([measure(spots()), other])
    assert found.sums.tolist() == [[0.4, 0.6], [0, 1]]
    assert found.area.tolist() == [[0.6931472, np.inf], [0, 1]]
    assert found.mass.tolist() == [[0.3767702, np.inf], [1, 0]]
    assert found.bottom.tolist() == [[True, False], [False, True]]
    assert stack([other]).sums.dtype == np.float64  # whole numbers are numbers too
