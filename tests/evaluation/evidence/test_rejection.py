"""What is a rejection in words, and what is only an answer that nobody can read."""

from __future__ import annotations

import pytest

from vlmscope.evaluation.evidence import REJECTIONS, rejects

SAID = [
    "None",
    "No.",
    " nothing! ",
    "There is no red hat in the image.",
    "There  isn\u2019t a dog.",
    "Sorry, I cannot find the man you mean.",
    "The object is not present",
    "[0, 0, 0, 0]",
    '{"bbox_2d": [0,0,0,0]}',
    "[0.0, 0.0, 0.00, 0]",
    "n/a",
    "The cup does not exist.",
]

NOT_SAID = [
    "",
    "   ",
    "banana",
    "[10, 20, 30]",
    "[10, 20, 5, 4]",
    "I know it is on the left",
    "a notable man",
    "no idea where, somewhere left",
    "none of the others is as red as this one",
    "[0, 0, 10, 0]",
    "[100, 0, 0, 0, 0]",
    "<box>",
    "snow found",
]


@pytest.mark.parametrize("answer", SAID)
def test_a_rejection(answer: str) -> None:
    assert rejects(answer)


@pytest.mark.parametrize("answer", NOT_SAID)
def test_an_answer_that_is_none(answer: str) -> None:
    assert not rejects(answer)


@pytest.mark.parametrize("phrase", REJECTIONS)
def test_every_phrase_of_the_list_counts(phrase: str) -> None:
    assert rejects(phrase.upper())
