"""Answers to yes-or-no questions, read by POPE's rule and by the bare word."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.metrics import Pope

CASES = 1000
PHRASES = ["Yes", "No", "yes.", "no", "NO", "There is not. Yes", "It is, no, there", "Maybe", ""]
PHRASES += ["Yes, there is a dog. It is not red.", "Not at all", " yes ", "I cannot tell", "yes no"]
UNPARSED = {"Maybe", "", "Not at all", "I cannot tell"}
NAMES = ["accuracy", "precision", "recall", "F1", "yes ratio", "unparsed"]


@pytest.mark.parametrize(
    ("text", "answer", "parsed"),
    [
        ("Yes", "yes", True),
        ("No, there is none.", "no", True),
        ("There is not one", "no", True),
        ("Yes. There is no doubt", "yes", True),  # the first sentence alone
        ("no", "no", True),
        ("yes,no", "yes", False),  # "yesno" once the comma is gone
        ("NO", "yes", True),  # none of the three words, but a no that was read
        ("Not really", "yes", False),
        ("I cannot tell", "yes", False),
        ("", "yes", False),
        ("nothing", "yes", False),
    ],
)
def test_the_first_sentence_by_hand(text: str, answer: str, parsed: bool) -> None:
    record = Pope().record(1, 1, text, truth=True)
    assert (record["answer"], record["parsed"], record["truth"]) == (answer, parsed, "yes")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "yes"),
        (" no. ", "no"),
        ("NO", "no"),
        ("Yes, it is", None),
        ("", None),
        ("yes..", None),
    ],
)
def test_the_bare_word_by_hand(text: str, answer: str | None) -> None:
    record = Pope(reading="exact").record(1, 1, text, truth=False)
    assert (record["answer"], record["parsed"]) == (answer, answer is not None)


def fuzzed() -> list[tuple[str, bool]]:
    rng = np.random.default_rng(0)
    return [(PHRASES[rng.integers(len(PHRASES))], bool(rng.random() < 0.5)) for _ in range(CASES)]


def plain_answer(text: str, reading: str) -> str | None:
    if reading == "exact":
        word = text.strip().lower()
        word = word[:-1] if word.endswith(".") else word
        return word if word in {"yes", "no"} else None
    first = text[: text.index(".")] if "." in text else text
    for word in first.replace(",", "").split(" "):
        if word in {"No", "not", "no"}:
            return "no"
    return "yes"


@pytest.mark.parametrize("reading", ["first-sentence", "exact"])
def test_scores_are_counted_one_by_one(reading: str) -> None:
    metric = Pope(reading=reading)
    rows = [metric.record(n, n // 6, text, truth=truth) for n, (text, truth) in enumerate(fuzzed())]
    cells = {"hit": 0, "false": 0, "missed": 0, "right": 0}
    unparsed = 0
    for text, truth in fuzzed():
        answer = plain_answer(text, reading)
        cells["hit"] += answer == "yes" and truth
        cells["false"] += answer == "yes" and not truth
        cells["missed"] += answer != "yes" and truth
        cells["right"] += answer == ("yes" if truth else "no")
        unparsed += answer is None if reading == "exact" else text in UNPARSED
    precision = cells["hit"] / (cells["hit"] + cells["false"])
    recall = cells["hit"] / (cells["hit"] + cells["missed"])
    said = (cells["hit"] + cells["false"]) / CASES
    f1 = 2 * precision * recall / (precision + recall)
    expected = [cells["right"] / CASES, precision, recall, f1, said, unparsed / CASES]
    scores = metric.scores([json.loads(json.dumps(row)) for row in rows])
    assert [score.metric for score in scores] == [f"POPE {name}" for name in NAMES]
    assert [score.interval.value for score in scores] == pytest.approx(expected)
    assert {(s.n, s.unit, s.images) for s in scores} == {(CASES, "questions", 167)}


def test_nothing_said_yes_has_no_precision() -> None:
    scores = {s.metric: s.interval for s in Pope().scores([Pope().record(1, 1, "No", truth=False)])}
    assert scores["POPE accuracy"].value == 1
    assert scores["POPE precision"] is scores["POPE recall"] is scores["POPE F1"] is None


def test_the_definition_says_the_reading() -> None:
    assert "first sentence" in Pope().definition
    assert "first sentence" not in Pope(reading="exact").definition
    with pytest.raises(BadOptionError, match="'first-sentence' or 'exact', got 'loose'"):
        Pope(reading="loose")


def test_questions_count_once() -> None:
    with pytest.raises(BadSampleError, match="recorded twice"):
        Pope().scores([Pope().record(1, 1, "No", truth=False)] * 2)
