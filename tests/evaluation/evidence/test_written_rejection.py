"""A model that writes boxes rejects in words, and decides by them; what cannot be read is a miss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vlmscope.attention.box_questions import BoxAnswer
from vlmscope.data.datasets import NOWHERE, EvalSample, Referent
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target
from vlmscope.evaluation.boxed_results import BoxedImageResult
from vlmscope.evaluation.entrants.answer_entrants import place_of
from vlmscope.evaluation.evidence import Decision
from vlmscope.evaluation.rows import sentence_rows
from vlmscope.evaluation.tasks import TASKS
from vlmscope.types import Answer, WrittenBox

BOX = (1.0, 1.0, 5.0, 3.0)


def written(text: str, boxed: bool = False) -> BoxAnswer:
    boxes = (WrittenBox(BOX, BOX, ()),) if boxed else ()
    return BoxAnswer(text, Answer(text, boxes, ()), False)


SAID = {
    "right box": (written("[1, 1, 5, 3]", True), False),
    "wrongly rejected": (written("There is no cup."), False),
    "rightly rejected": (written("None"), True),
    "zeros": (written("[0, 0, 0, 0]"), True),
    "not to be read": (written("on the left, I think"), True),
    "a box and a denial": (written("There is no cup, but [1, 1, 5, 3]", True), True),
}


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    referents = tuple(
        Referent(
            name,
            (name,),
            NOWHERE if absent else Target(BOX),
            name,
            instances=() if absent else (Target(BOX),),
            absent=absent,
        )
        for name, (_, absent) in SAID.items()
    )
    sample = EvalSample("1", open_image(pixels), referents)
    places = [place_of(answer) for answer, _ in SAID.values()]
    result = BoxedImageResult("method 'answer'", sample, lambda phrases: places)
    return sentence_rows(sample, result, True, ("rejection",))


def test_only_words_reject(rows: list[dict[str, Any]]) -> None:
    decision = Decision.by_rule("rejection", 0.5)
    rejected = {row["text"] for row in rows if decision.rejects(row)}
    assert rejected == {"wrongly rejected", "rightly rejected", "zeros"}
    assert {row["text"] for row in rows if row["rejection"]} == rejected
    assert {row["text"] for row in rows if row["unparsed"]} == {*rejected, "not to be read"}


def test_scores_by_the_words(rows: list[dict[str, Any]]) -> None:
    decision = Decision.by_rule("rejection", 0.5)
    found = {s.metric: s.interval.value for s in decision.scores(rows, "val", 0)}
    assert found == {"absent N_acc": 2 / 4, "absent T_acc": 1 / 2, "absent accuracy": 3 / 6}
    grec = {s.metric: s.interval.value for s in TASKS.get("grec").scores(rows, decision, 0)}
    assert (grec["GREC N_acc"], grec["GREC T_acc"]) == (2 / 4, 1 / 2)
    assert grec["GREC F1"] == pytest.approx(3 / 6)
