"""Tokens found in the answer they write, however their spaces are written."""

from __future__ import annotations

import pytest

from vlmscope.analysis.endpoint.alignment import aligned, before, tail, tokens_of_word
from vlmscope.analysis.endpoint.answer import Answer
from vlmscope.errors import BadSampleError

ANSWER = "A large red circle."


def pieces(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ("A", "large", "red", "circle", "."),
        ("A", " large", " red", " circle", "."),
        ("▁A", "▁large", "▁red", "▁circle", "."),
        ("A", "Ġlarge", "Ġred", "Ġcircle", ".", "</s>"),
    ],
)
def test_every_way_of_writing_a_space(texts: tuple[str, ...]) -> None:
    assert aligned(ANSWER, pieces(*texts)) == [(0, 1), (1, 6), (6, 9), (9, 15), (15, 16)]


def test_tokens_that_end_within_a_character() -> None:
    circle = "⭕ é"
    split = [circle.encode()[:2], circle.encode()[2:3], b" ", "é".encode()]
    assert aligned(circle, split) == [(0, 2), (2, 3), (3, 3), (3, 5)]


def test_tokens_of_something_else_are_none() -> None:
    assert aligned(ANSWER, pieces("A", " large", " blue", " circle", ".")) is None
    assert aligned(ANSWER, pieces("A", " large", " red")) is None
    assert aligned(ANSWER, pieces("<think>", "A", " large")) is None
    assert aligned(" ", pieces(" ")) is None


def test_the_end_of_a_prompt() -> None:
    prompt = pieces("what", " is", " red", "?", "\n", "A", " large", " red", " circle", ".")
    assert tail(ANSWER, prompt) == 5
    assert tail("red circle.", prompt) == 3
    assert tail(ANSWER, [*prompt, b"<end>"]) is None
    assert tail(ANSWER, prompt[-3:]) is None
    assert tail("ge red circle.", prompt) is None  # begins within a token


def test_what_stands_before_a_token() -> None:
    assert before(ANSWER, 0) == ""
    assert before(ANSWER, 1) == "A"
    assert before(ANSWER, 6) == "A large"
    assert before(ANSWER, 4) == "A lar"
    assert before("⭕ é", 3) == "⭕"


def test_the_tokens_of_a_word() -> None:
    texts = pieces("A", " red", "dish", " red", " circle", ".")
    answer = Answer.of("A reddish red circle.", tuple(texts), "RED")
    assert answer.followed == (3,)
    assert Answer.of(answer.text, answer.pieces, "red circle").followed == (3, 4)
    assert Answer.of(answer.text, answer.pieces, "reddish").followed == (1, 2)
    assert Answer.of(answer.text, answer.pieces, None).followed == tuple(range(6))
    assert tokens_of_word(answer.text, " ", answer.spans) == ()
    with pytest.raises(BadSampleError, match="'circ' among the 6 tokens"):
        Answer.of(answer.text, answer.pieces, "circ")
    with pytest.raises(BadSampleError, match="'circle' among the 2 tokens"):
        Answer.of(answer.text, answer.pieces[:2], "circle")  # the first tokens alone are known
