"""What the head grid of the viewer is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope import tiny
from vlmscope.heads.heads_block import attention_sinks, heads_block
from vlmscope.types import Carry, HeadSet
from vlmscope.viewer import View

GRID = (4, 6)


@pytest.fixture
def token_map():
    return map_of((40, 60), [view_over((0, 0, 60, 40), GRID)])


def measured(block, name: str) -> np.ndarray:
    (found,) = [each for each in block["measures"] if each["id"] == name]
    return found["values"]


def test_rows_come_back_but_for_the_digits_of_half_precision(token_map) -> None:
    rows = np.random.default_rng(0).random((3, 2, 24)) * np.array([1e-6, 1e-2, 1])[:, None, None]
    block = View.unpack(View("t", "", [heads_block(token_map, rows, chosen=[(1, 0)])]).pack())
    (block,) = block.blocks
    again = block["rows"].astype(float) * block["scale"][..., None]
    np.testing.assert_allclose(again, rows, rtol=1e-3, atol=1e-4 * 1e-6)
    assert block["rows"].dtype == np.float16 and block["chosen"] == [[1, 0]]
    assert block["rows"].max() == 1.0
    np.testing.assert_allclose(measured(block, "image-mass"), rows.sum(axis=-1), rtol=1e-6)


def test_heads_that_were_not_read_stay_empty_and_dark_ones_are_zero(token_map) -> None:
    rows = np.random.default_rng(1).random((2, 2, 24))
    rows[0], rows[1, 0] = np.nan, 0.0
    block = heads_block(token_map, rows)
    assert np.isnan(block["rows"][0]).all() and np.isnan(block["scale"][0]).all()
    assert (block["rows"][1, 0] == 0).all() and block["scale"][1, 0] == 1.0
    entropy = measured(block, "entropy")
    assert np.isnan(entropy[0]).all() and np.isnan(entropy[1, 0]) and np.isfinite(entropy[1, 1])


def test_entropy_is_that_of_discovery(token_map) -> None:
    rows = np.zeros((1, 2, 24))
    rows[0, 0, [0, 1]] = 1.0  # one part
    rows[0, 1, [0, 23]] = 1.0  # two of the same size
    entropy = measured(heads_block(token_map, rows), "entropy")
    np.testing.assert_allclose(entropy[0], [0.0, np.log(2)], atol=1e-6)


def test_what_was_measured_of_the_set_stands_at_its_heads(token_map) -> None:
    heads = HeadSet.load(Path(str(tiny.__file__)).parent / "weights/tiny-llava/heads.json")
    assert heads.shape is not None and heads.evidence is not None
    block = heads_block(token_map, np.ones((*heads.shape, 24)), head_set=heads)
    for row in heads.frequencies:
        assert measured(block, "selection")[row.head] == np.float32(row.frequency.value)
    pointing = measured(block, "pointing")
    for row in heads.evidence.per_head:
        assert pointing[tuple(row["head"])] == np.float32(row["pointing"][0])
    assert np.isnan(pointing).sum() == pointing.size - len(heads.evidence.per_head)


def test_sinks_are_cells_that_most_heads_look_at(token_map) -> None:
    rows = np.full((2, 4, 24), 0.01)
    rows[..., 5] = 1.0  # of all heads
    rows[0, :2, 9] = 1.0  # of a quarter
    rows[1, 3] = np.nan
    expected = np.arange(24) == 5
    np.testing.assert_array_equal(attention_sinks(rows), expected)
    assert "attention sinks" in heads_block(token_map, rows)["note"]
    assert not attention_sinks(np.full((2, 2, 24), np.nan)).any()


def test_query_tokens_are_carried_to_cells(token_map) -> None:
    from dataclasses import replace

    shares = np.zeros((3, 24))
    shares[0, 0], shares[1, 5], shares[2, [7, 8]] = 1.0, 1.0, 0.5
    carried = replace(token_map, carries=(Carry(np.arange(3), shares),))
    block = heads_block(carried, np.array([[[0.2, 0.4, 0.6]]]))
    row = block["rows"][0, 0].astype(float) * block["scale"][0, 0]
    np.testing.assert_allclose(row[[0, 5, 7, 8]], [0.2, 0.4, 0.3, 0.3], rtol=1e-3)
    np.testing.assert_allclose(measured(block, "image-mass"), 1.2, rtol=1e-6)
