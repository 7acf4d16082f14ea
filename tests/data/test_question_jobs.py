"""Jobs over questions go on where one is bad, count repeats once, and say what they left out."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vlmscope.data.question_jobs import MeasuredQuestions, measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadPhraseError, BadSampleError, OutputError, SkippedWarning
from vlmscope.models.cards import ModelCard

MODEL: Any = SimpleNamespace(card=ModelCard("some/model", "llava"))  # it declares no world
IMAGE = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def job(samples: list[Any], **options: Any) -> tuple[MeasuredQuestions, list[str]]:
    asked: list[str] = []

    def measure(question: Question) -> dict[str, Any]:
        if question.text == "disk full?":
            raise OutputError("no room")
        if "<image>" in question.text:
            raise BadPhraseError("It holds the image token.")
        asked.append(question.text)
        return {}

    log = SampleLog(None, {})
    done = measure_questions(MODEL, samples, log, measure, needed_by="It", title="job", **options)
    return done, asked


def test_a_bad_sample_does_not_end_the_job() -> None:
    samples = [(IMAGE, "what?"), 3, (IMAGE, "<image>?"), (IMAGE, "what?"), (IMAGE, "why?")]
    with pytest.warns(SkippedWarning, match=r"3 questions were skipped\. The first is sample 1: A"):
        done, asked = job(samples)
    assert asked == ["what?", "why?"]
    assert len(set(done.ids)) == 2
    assert [each.place for each in done.skipped] == ["sample 1", "sample 2", "sample 3"]
    assert "image token" in done.skipped[1].reason
    assert "counts once" in done.skipped[2].reason


def test_good_samples_alone_are_no_reason_for_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done, _ = job([(IMAGE, "what?"), (IMAGE, "why?")])
    assert done.skipped == ()


def test_what_is_the_same_is_for_the_key_to_say() -> None:
    samples = [Question(IMAGE, "what?", None, (right,)) for right in ("a", "b", "a")]
    with pytest.warns(SkippedWarning):
        assert len(job(samples)[0].ids) == 1
    with pytest.warns(SkippedWarning):
        done, _ = job(samples, key=lambda question: question.digest_with_references)
    assert len(done.ids) == 2
    assert done.skipped[0].place == samples[2].digest, "it has no place of its own"


def test_a_list_without_a_usable_sample_is_refused() -> None:
    with pytest.raises(BadSampleError, match=r"^It needs at least one question"):
        job([])
    with pytest.raises(BadSampleError, match=r"None of the 2 questions .* sample 0: A question is"):
        job([3, (IMAGE, "<image>?")])


def test_a_fault_that_is_no_samples_ends_the_job() -> None:
    with pytest.raises(OutputError, match="no room"):
        job([(IMAGE, "what?"), (IMAGE, "disk full?")])
