"""A head set in a notebook and in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cards import NASTY, check_repr, read_card
from handmade import map_of, view_over
from views import blocks_of, view_in, words_of
from vlmscope import tiny
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadSet, TokenMap

LOW = Interval(0.05, 0.01, 0.09)


def embedded() -> HeadSet:
    return HeadSet.load(Path(str(tiny.__file__)).parent / "weights/tiny-llava/heads.json")


def test_the_embedded_set() -> None:
    heads = embedded()
    card = read_card(heads)
    for head in heads.heads:
        assert str(head) in card.text
    assert "pointing %" in card.cells
    assert f"On {heads.evidence.samples} samples" in card.text  # type: ignore[union-attr]
    line = repr(heads)
    assert "L2H0" in line and "tiny-llava" in line and "discovered" in line and "pointing" in line
    assert "pointing" in check_repr(heads.evidence)


def test_what_is_not_verified_says_so() -> None:
    bare = HeadSet((Head(1, 2),), "m", notes=NASTY)
    assert "Not verified" in read_card(bare).text
    assert "not verified" in repr(bare)
    useless = HeadEvidence(5, LOW, LOW, LOW, LOW, 0.5)
    assert "no better than chance" in read_card(replace(bare, evidence=useless)).text
    assert "no better than chance" in repr(useless)


def test_many_heads() -> None:
    many = HeadSet(tuple(Head(layer, head) for layer in range(40) for head in range(40)), NASTY)
    assert "…" in read_card(many).text


def test_a_token_map_is_a_line() -> None:
    token_map: TokenMap = map_of((30, 40), [view_over((0, 0, 40, 30), (24, 36))])
    assert "24x36" in check_repr(token_map)
    assert "864 image" in repr(token_map)


def test_a_set_makes_a_view_of_itself() -> None:
    heads = embedded()
    view = view_in(heads._repr_html_())
    (grid,) = blocks_of(view, "head-map")
    assert grid["marked"] == [list(head) for head in heads.heads]
    best = heads.frequencies[0]
    assert grid["values"][best.head] == np.float32(best.frequency.value)
    (sums,) = blocks_of(view, "dots")
    assert sums["values"] == sorted(heads.sums) and sums["threshold"] == heads.tau
    bare = words_of(HeadSet((Head(1, 2),), "m").view())
    assert "Not verified" in bare and "L1H2" in bare
