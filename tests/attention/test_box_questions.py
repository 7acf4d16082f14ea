"""Asking for boxes: the image is read once where it can be, and the answers are those of asking alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from answers import dictated, talker
from dual_families import clip
from lvlms import made, qwen_vl
from vlmscope.attention import SharedPrefix, prefix
from vlmscope.attention.box_questions import BoxQuestion
from vlmscope.errors import UnknownNameError, UnsupportedError
from vlmscope.models import LoadedModel

IMAGE = np.random.default_rng(3).integers(0, 255, (60, 84, 3), dtype=np.uint8)
PHRASES = ["red circle", "the circle", "red circle"]


@pytest.fixture
def prefixes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every image that was read into a cache."""
    read, inner = list[int](), prefix._fill_empty

    def counted(active: Any, prefixes: list[SharedPrefix], *arguments: Any) -> None:
        read.extend(1 for _ in prefixes)
        inner(active, prefixes, *arguments)

    monkeypatch.setattr(prefix, "_fill_empty", counted)
    return read


@pytest.fixture
def qwen() -> Iterator[LoadedModel]:
    """A model of its own, whose settings a test may change."""
    model = qwen_vl.qwen2_vl()
    model.hf.generation_config.eos_token_id = []
    yield model


def alone(question: BoxQuestion, phrase: str) -> str:
    return question.read(question.generate(IMAGE, question.prompt(phrase))).raw


@pytest.mark.parametrize("preset", [None, "paper"])
def test_answers_on_one_prefix_are_those_of_each_question_alone(
    prefixes: list[int], preset: str | None
) -> None:
    question = BoxQuestion.of(vs.load("tiny-llava"), preset=preset)
    assert question.shares_image and question.preset == (preset or "chat")
    written = question.ask(IMAGE, PHRASES)
    assert len(prefixes) == 1
    assert [each.raw for each in written] == [alone(question, phrase) for phrase in PHRASES]
    assert all(each.raw and "<eos>" not in each.raw for each in written)
    assert not any(each.truncated for each in written)


@pytest.mark.parametrize("penalty", [None, 1.05, 1.6])
def test_a_repetition_penalty_counts_on_a_prefix_too(
    qwen: LoadedModel, prefixes: list[int], penalty: float | None
) -> None:
    qwen.hf.generation_config.repetition_penalty = penalty
    question = BoxQuestion.of(qwen, max_new_tokens=9)
    assert question.shares_image
    written = question.ask(IMAGE, PHRASES)
    assert len(prefixes) == 1
    assert [each.raw for each in written] == [alone(question, phrase) for phrase in PHRASES]
    assert all(each.truncated and each.answer.box is None for each in written)


def test_the_penalty_changes_what_is_written(qwen: LoadedModel) -> None:
    def text() -> list[str]:
        return [each.raw for each in BoxQuestion.of(qwen, max_new_tokens=9).ask(IMAGE, PHRASES)]

    plain = text()
    qwen.hf.generation_config.repetition_penalty = 1.6
    assert text() != plain


@pytest.mark.parametrize("name", ["no_repeat_ngram_size", "min_new_tokens"])
def test_other_settings_of_a_checkpoint_are_left_to_transformers(
    qwen: LoadedModel, prefixes: list[int], name: str
) -> None:
    setattr(qwen.hf.generation_config, name, 2)
    question = BoxQuestion.of(qwen, max_new_tokens=9)
    assert not question.shares_image
    written = question.ask(IMAGE, PHRASES)
    assert not prefixes
    assert [each.raw for each in written] == [alone(question, phrase) for phrase in PHRASES]


def test_an_image_that_sees_the_text_is_read_for_each_question(prefixes: list[int]) -> None:
    question = BoxQuestion.of(made("paligemma"), max_new_tokens=3)
    assert not question.shares_image
    assert len(question.ask(IMAGE, PHRASES)) == 3 and not prefixes


def test_an_answer_is_read_by_the_family_and_kept_word_for_word() -> None:
    model = talker()
    question = BoxQuestion.of(model)
    text = "(250,500),(750,900)"
    options = dictated(model, text)
    generation = vs.generate(
        model, IMAGE, question.prompt("red circle"), preset=question.preset, **options
    )
    written = question.read(generation)
    assert written.raw.replace(" ", "") == text
    height, width = IMAGE.shape[:2]
    assert written.answer.box == pytest.approx(
        (0.25 * width, 0.5 * height, 0.75 * width, 0.9 * height)
    )


def test_who_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="answers nothing: it is an encoder"):
        BoxQuestion.of(clip())
    with pytest.raises(UnsupportedError, match="no documented way of writing boxes"):
        BoxQuestion.of(made("blip-2"))
    with pytest.raises(UnknownNameError, match="prompt preset 'poem'"):
        BoxQuestion.of(vs.load("tiny-llava"), preset="poem")
