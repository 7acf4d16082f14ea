"""A trace in a notebook, in each state it can be in."""

from __future__ import annotations

import numpy as np
import pytest

import vlmscope as vs
from cards import check_repr, read_card
from families import llava

PICTURE = np.random.default_rng(4).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def test_layers_heads_and_where_they_look() -> None:
    model = llava()
    with vs.capture(model, layers=[1, 3]) as trace:
        prefill = vs.prefill(model, PICTURE, "the red circle")
    card = read_card(trace)
    assert card.cells[:4] == ["layer", "on the keys read", "most", "by head"]
    assert [card.cells[at] for at in (4, 8)] == ["1", "3"]
    share = float(trace.maps[0].sum(-1).mean())
    assert card.cells[5] == f"{share:.3f}"
    best = int(trace.maps[1, :, 0].sum(-1).argmax())
    assert card.cells[11] == f"L3H{best}"
    assert len(card.pictures) == 1
    assert "layers 1 to 3" in repr(trace)
    check_repr(prefill)


def test_before_anything_ran() -> None:
    model = llava()
    with vs.capture(model) as trace:
        pass
    assert "nothing captured yet" in read_card(trace).text
    assert "nothing captured yet" in repr(trace)


@pytest.mark.parametrize(
    "options", [{"keys": "all"}, {"average": True}, {"heads": [(0, 1), (2, 3)]}]
)
def test_every_kind_of_trace(options: dict[str, object]) -> None:
    model = llava()
    with vs.capture(model, **options) as trace:  # type: ignore[arg-type]
        vs.prefill(model, PICTURE, "the red circle")
    card = read_card(trace)
    assert len(card.pictures) == ("keys" not in options)
    assert ("mean of heads" in card.cells) == ("average" in options)


def test_a_batch_and_an_answer() -> None:
    model = llava()
    with vs.capture(model) as trace:
        vs.prefill(model, PICTURE, ["the red circle", "a dog"])
    assert "a batch of 2" in read_card(trace).text
    with vs.capture(model, rows="generated") as trace:
        answer = vs.generate(model, PICTURE, "what is it ?", max_new_tokens=3)
    assert "by head" in read_card(trace).cells
    check_repr(answer)
