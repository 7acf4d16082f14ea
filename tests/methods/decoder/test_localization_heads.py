"""Grounding with localization heads: what its score is of, and which heads a greedy choice takes."""

from __future__ import annotations

import pytest

import vlmscope as vs
from vlmscope.attention import read_heads
from vlmscope.methods.decoder.localization_heads import _survivors
from vlmscope.post import PostOptions, attention_share, smooth
from vlmscope.stats import Interval
from vlmscope.tiny import render_scene
from vlmscope.types import Head, HeadFrequency, HeadSet

IMAGE = render_scene(0).image
PHRASE = "the red circle"
HEADS = [(3, 1), (4, 2)]


def test_the_score_is_of_the_rows_as_they_are_not_smoothed() -> None:
    model = vs.load("tiny-llava")
    found = vs.ground(model, IMAGE, PHRASE, heads=HEADS)
    [read] = read_heads(model, IMAGE, [PHRASE], heads=HEADS)
    rows = read.one_row()
    expected = attention_share(read.token_map, rows.mean(axis=0), found.mask)
    smoothed = smooth(read.token_map, rows, PostOptions()).mean(axis=0)
    assert found.score == expected
    assert abs(attention_share(read.token_map, smoothed, found.mask) - expected) > 1e-3


def test_a_head_whose_sum_equals_tau_is_chosen_from() -> None:
    sums = {Head(2, 0): 0.25, Head(2, 1): 0.5, Head(3, 0): 0.125}
    certain = Interval(1.0, 1.0, 1.0)
    frequencies = tuple(HeadFrequency(head, certain, value, 0.5) for head, value in sums.items())
    chosen = HeadSet((Head(2, 1),), "tiny", tau=0.25, frequencies=frequencies)
    assert _survivors(chosen) == (Head(2, 0), Head(2, 1))


@pytest.mark.parametrize("shift", [-1e-9, 1e-9])
def test_tau_is_compared_exactly(shift: float) -> None:
    row = HeadFrequency(Head(2, 0), Interval(1.0, 1.0, 1.0), 0.25 + shift, 0.5)
    chosen = HeadSet((Head(2, 0),), "tiny", tau=0.25, frequencies=(row,))
    assert bool(_survivors(chosen)) == (shift > 0)
