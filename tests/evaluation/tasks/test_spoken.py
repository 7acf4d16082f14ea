"""Answers in words as a task scores them, and which runs a set of questions has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dual_families import clip
from families import llava
from vlmscope.data.datasets import Asked, Described, EvalSample, WordList, open_dataset
from vlmscope.data.images import open_image
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadSampleError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.entrants.spoken_entrants import spoken_entrants
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.spoken_results import Spoken, SpokenImageResult
from vlmscope.evaluation.tasks import TASKS

WORDS = WordList.plain(["dog", "cat"], "two")
IMAGE = open_image(np.zeros((8, 8, 3), dtype=np.uint8))


def scored(task: str, *samples: tuple[EvalSample, list[Spoken]]) -> dict[str, Any]:
    chosen = TASKS.get(task)
    records = {
        sample.image_id: chosen.record(sample, SpokenImageResult(lambda s=said: s), WORDS)  # type: ignore[union-attr,call-arg,arg-type,misc]
        for sample, said in samples
    }
    return {score.metric: score for score in chosen.scores(records, WORDS, 0)}  # type: ignore[union-attr,arg-type,call-arg]


def test_yes_and_no_in_words_and_by_the_first_token() -> None:
    asked = [Asked(str(n), "Is there a dog?", n < 2) for n in range(4)]
    texts, shares = ("yes", "", "no", "Perhaps"), (0.9, 0.4, 0.1, 0.6)
    said = [Spoken(a, t, 1, False, y) for a, t, y in zip(asked, texts, shares, strict=True)]
    scores = scored("pope", (EvalSample("a", IMAGE, asked=tuple(asked)), said))
    assert scores["POPE accuracy"].interval.value == 0.75  # what is not no is yes
    assert scores["POPE unparsed"].interval.value == 0.5
    assert scores["POPE accuracy (exact)"].interval.value == 0.5
    assert scores["presence AUC"].interval.value == 0.75
    assert scores["POPE accuracy"].detail["notes"] == {"answer of no tokens or no text": 1}


def test_descriptions_against_outlines_and_captions() -> None:
    asked = Asked("1", "Describe it.")
    truth = Described(("dog",), ("a dog on a chair",), ("dog", "cat", "chair"))
    said = [Spoken(asked, "A dog, a cat and a chair", 9, True)]
    scores = scored("chair", (EvalSample("a", IMAGE, asked=(asked,), described=truth), said))
    assert scores["CHAIRi"].interval.value == pytest.approx(1 / 3)
    assert scores["CHAIRs"].interval.value == 1.0
    assert scores["CHAIRs"].detail["notes"] == {"answer that was cut off": 1}
    with pytest.raises(BadSampleError, match="what is true"):
        scored("chair", (EvalSample("a", IMAGE, asked=(asked,)), said))


def test_who_answers_and_who_only_looks(tmp_path: Path) -> None:
    for name in ("pope", "chair"):
        make_tiny(name, tmp_path / name, 1)
    pope, chair = (open_dataset(name, tmp_path / name) for name in ("pope", "chair"))
    assert spoken_entrants(pope, clip(), None) == ((), None)
    with pytest.raises(UnsupportedError, match="it is an encoder"):
        spoken_entrants(chair, clip(), None)
    runs, left = spoken_entrants(chair, llava(), None)
    assert [run.label for run in runs] == ["answer"] and left == ()
    with pytest.raises(UnsupportedError, match="Its one run is answer"):
        spoken_entrants(chair, llava(), choose(["mean-attention"]))
    runs, left = spoken_entrants(pope, llava(), choose(["answer@long", "mean-attention"]))
    assert [run.label for run in runs] == ["answer@long"]
    assert [choice.label for choice in left or ()] == ["mean-attention"]


def test_a_random_model_is_asked_and_looked_into(tmp_path: Path) -> None:
    make_tiny("pope", tmp_path / "p", 1)
    data = open_dataset("pope", tmp_path / "p")
    choices = choose(["answer", "mean-attention"], {"answer": {"room": 2}})
    result = evaluate(data, llava(), choices, progress=False)
    assert result["answer"]["POPE unparsed"].n == len(data.load(data.image_ids[0]).asked)
    assert result["mean-attention"]["score AUC"].unit == "pairs"
