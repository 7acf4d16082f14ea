"""Results of the analyses in a notebook: the table with its columns explained, and one line."""

from __future__ import annotations

import numpy as np
import pytest

import vlmscope as vs
from cards import NASTY, read_card
from families import llava
from vlmscope.analysis.context import context_sweep
from vlmscope.analysis.flow.table import FLOW_COLUMNS
from vlmscope.analysis.knockout.table import LAYERS_COLUMNS
from vlmscope.analysis.prompts.table import PROMPTS_COLUMNS
from vlmscope.analysis.tokens.looks_result import LOOKS_COLUMNS
from vlmscope.analysis.tokens.table import TOKENS_COLUMNS
from vlmscope.data.questions import Question, scene_questions

NOISE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return list(scene_questions(2))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_flow(questions: list[Question]) -> None:
    flow = vs.attention_flow(llava(), questions)
    card = read_card(flow)
    assert "2 questions" in card.text and FLOW_COLUMNS in flat(card.text)
    assert card.cells[:3] == ["rows of", "keys of", "share"]
    assert "2 questions" in repr(flow)


def test_knockouts(questions: list[Question]) -> None:
    sweep = vs.knockout_sweep(llava(), questions)
    card = read_card(sweep)
    assert LAYERS_COLUMNS in flat(card.text)
    assert "logprob_drop: log-probability of the clean answer that is lost" in flat(card.text)
    assert "image->query" in repr(sweep)


def test_prompts(questions: list[Question]) -> None:
    ablation = vs.prompt_ablation(llava(), questions)
    card = read_card(ablation)
    assert PROMPTS_COLUMNS in flat(card.text)
    assert "as asked" in card.cells
    assert "as asked" in repr(ablation)


def test_words_of_an_answer() -> None:
    found = vs.token_grounding(llava(), NOISE, "what is it ?", f"a red circle {NASTY[:40]}")
    card = read_card(found)
    assert TOKENS_COLUMNS in flat(card.text)
    assert "circle" in card.cells
    assert len(card.pictures) == 1
    assert "words" in repr(found)


def test_contexts(questions: list[Question]) -> None:
    curve = context_sweep(llava(), questions, keeps=(0.1, 1.0), by=("norm",), max_new_tokens=3)
    card = read_card(curve)
    assert card.cells[:2] == ["measure", "kept"]
    assert card.cells[8:10] == ["norm", "10%"]
    assert "norm 0.1" in repr(curve)


def test_words_by_kind_and_signs(questions: list[Question]) -> None:
    from vlmscope.analysis.tokens import word_looks

    looks = word_looks(llava(), questions, progress=False)
    assert LOOKS_COLUMNS in flat(read_card(looks).text)
