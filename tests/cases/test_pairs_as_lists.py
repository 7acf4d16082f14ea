"""Shengcao-Cao/groundLMM#3: (layer, head) pairs that went through JSON are lists."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vlmscope as vs
from families import llava
from vlmscope.errors import AttentionError

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
PAIRS = [(1, 2), (2, 3)]
LISTS = json.loads(json.dumps(PAIRS))


def test_lists_are_taken_as_tuples_are() -> None:
    model = llava()
    maps = []
    for heads in (PAIRS, LISTS):
        with vs.capture(model, rows="last_text", heads=heads) as trace:
            vs.prefill(model, IMAGE, "what is it")
        assert trace.layers == (1, 2)
        maps.append(trace.maps)
    assert maps[0].equal(maps[1])
    first, second = (
        vs.token_grounding(model, IMAGE, "what is it", answer="a dog", heads=heads)
        for heads in (PAIRS, LISTS)
    )
    assert first.to_dict() == second.to_dict()
    one, two = (vs.ground(model, IMAGE, "a dog", heads=heads) for heads in (PAIRS, LISTS))
    assert one.box == two.box


@pytest.mark.parametrize("heads", [[[1, 2], 3], [[1, 2], [3]], [1, [2, 3]]])
def test_a_mixture_is_refused(heads: list[object]) -> None:
    with (
        pytest.raises(AttentionError, match="numbers, or .layer, head. pairs, not both"),
        vs.capture(llava(), heads=heads),
    ):
        pass
