"""Answers and truths that say nothing: counted, in a sentence each, and never a silent zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from families import llava
from vlmscope.data.datasets import Asked, Described, EvalSample, WordList, open_dataset
from vlmscope.data.images import open_image
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.spoken_results import Spoken, SpokenImageResult
from vlmscope.evaluation.tasks import TASKS, ImageTask

WORDS = WordList.plain(["dog", "cat"], "two")
IMAGE = open_image(np.zeros((8, 8, 3), dtype=np.uint8))


def notes(task: str, texts: list[str], truth: Described | None = None) -> dict[str, int]:
    """Sentences with their counts, of answers to as many questions on one image."""
    chosen = TASKS.get(task)
    assert isinstance(chosen, ImageTask)
    yes_no = truth is None
    asked = [
        Asked(str(n), "?", bool(n % 2) if yes_no else None, category="count")
        for n in range(len(texts))
    ]
    said = [Spoken(a, text, 1, False, 0.5) for a, text in zip(asked, texts, strict=True)]
    sample = EvalSample("a", IMAGE, asked=tuple(asked), described=truth)
    record = chosen.record(sample, SpokenImageResult(lambda: said), WORDS)
    found: dict[str, int] = {}
    for score in chosen.scores({"a": json.loads(json.dumps(record))}, WORDS, 0):
        found |= score.detail.get("notes", {})
    return found


def test_a_yes_or_no_that_is_neither() -> None:
    assert notes("pope", ["Perhaps.", "Yes", "It may be"]) == {
        "answer with neither yes nor no in its first sentence, which counts as yes": 2,
        "answer that is not the bare yes or no, which counts as wrong": 2,
    }
    assert notes("mme", ["yes and no", "I see a dog"]) == {"answer that is neither yes nor no": 1}


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_answer_of_no_tokens(text: str) -> None:
    assert notes("pope", [text, "no"])["answer of no tokens or no text"] == 1
    assert notes("mme", [text, "yes"]) == {
        "answer of no tokens or no text": 1,
        "answer that is neither yes nor no": 1,
    }
    shown = Described(("dog",), ("a dog",), ("dog", "cat"))
    assert notes("chair", [text], shown) == {
        "answer of no tokens or no text": 1,
        "description that names no object of the list": 1,
    }


@pytest.mark.parametrize("captions", [("people at work",), ("", "  ")])
def test_captions_without_objects(captions: tuple[str, ...]) -> None:
    bare = Described((), captions, ("dog", "cat"))
    sentence = (
        "picture of which nobody names an object, so that all that is named counts as imagined"
    )
    assert notes("chair", ["a dog and a cat"], bare) == {sentence: 1}


@pytest.mark.parametrize("names", [("cup", "cups"), ("Dog", "dog")])
def test_words_of_two_classes_are_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    make_tiny("chair", tmp_path / "c", 1)
    place = tmp_path / "c" / "annotations" / "instances_val2014.json"
    content: dict[str, Any] = json.loads(place.read_text("utf-8"))
    for category, name in zip(content["categories"], names, strict=False):
        category["name"] = name
    place.write_text(json.dumps(content), "utf-8")
    data, model = open_dataset("chair", tmp_path / "c"), llava()
    monkeypatch.setattr(type(data), "load", None)  # nothing is opened
    for attempt in (evaluate, lambda data, model, **_: vs.hallucination(model, data)):
        with pytest.raises(BadOptionError, match="stands for .* Leave it to one of them"):
            attempt(data, model, progress=False)
