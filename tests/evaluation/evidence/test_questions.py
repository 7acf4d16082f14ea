"""Yes against no, from hand-set logits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.evaluation.evidence import questions
from vlmscope.evaluation.evidence.questions import (
    QUESTION,
    AnswerWords,
    checked_question,
    question_of,
    yes_shares,
)

WORDS = {"yes": [3], "Yes": [4], " yes": [9, 3], " Yes": [4], "no": [5], " no": [9, 5], "No": [0]}
PIXELS = np.zeros((4, 4, 3), dtype=np.uint8)


class Tokenizer:
    """Token 9 is a space of its own, 0 is unknown."""

    unk_token_id = 0

    def __init__(self, words: dict[str, list[int]]) -> None:
        self.words = words

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": self.words.get(text, [1, 2])}


def fake(words: dict[str, list[int]]) -> Any:
    return SimpleNamespace(
        id="fake",
        processor=SimpleNamespace(tokenizer=Tokenizer(words)),
        family=SimpleNamespace(presets=("paper", "chat")),
        card=SimpleNamespace(question=None),
    )


def test_words_are_single_tokens_that_the_vocabulary_knows() -> None:
    words = AnswerWords.of(fake(WORDS))
    assert (words.yes, words.no) == ([3, 4], [5])


@pytest.mark.parametrize(("lost", "word"), [(("yes", "Yes", " Yes"), "yes"), (("no",), "no")])
def test_a_vocabulary_without_the_word_is_refused(lost: tuple[str, ...], word: str) -> None:
    words = {text: ids for text, ids in WORDS.items() if text not in lost}
    with pytest.raises(UnsupportedError, match=f"no single token for {word}"):
        AnswerWords.of(fake(words))


def test_the_share_is_that_of_yes_among_both(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = torch.tensor([[0.0, 0.1, 0.1, 0.3, 0.1, 0.2, 0.2], [0, 0, 0, 0, 0.05, 0.95, 0]])
    seen: dict[str, Any] = {}

    def logits(model: Any, pixels: Any, prompts: Any, preset: str) -> torch.Tensor:
        seen.update(prompts=prompts, preset=preset)
        return (probabilities + 1e-30).log() + 7.0  # logits are known up to a constant

    monkeypatch.setattr(questions, "next_token_logits", logits)
    shares = yes_shares(fake(WORDS), PIXELS, [" a cat ", "dog"], "is {phrase} there?")
    assert shares == pytest.approx([0.4 / 0.6, 0.05])
    assert [prompt.text for prompt in seen["prompts"]] == ["is a cat there?", "is dog there?"]
    assert [prompt.phrase for prompt in seen["prompts"]] == [(3, 8), (3, 6)]
    assert seen["preset"] == "chat"
    assert yes_shares(fake(WORDS), PIXELS, [], QUESTION) == []


def test_a_question_holds_the_phrase_once() -> None:
    assert checked_question(QUESTION) == QUESTION
    for wrong in ("is it there?", "{phrase} or {phrase}?", ""):
        with pytest.raises(BadOptionError, match="must hold {phrase} once"):
            checked_question(wrong)


def test_shares_equal_plain_softmax_of_each_prompt_alone() -> None:
    model = vs.load("tiny-llava", device="cpu")
    assert question_of(model) == "is there {phrase}"
    image = vs.open_image(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8))
    phrases = ["the red circle", "a large star", "the green cross"]
    ids = {word: model.processor.tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no")}
    expected = []
    for phrase in phrases:
        logits = vs.prefill(model, image.pixels, f"is there {phrase}", preset="chat").logits[0]
        odds = logits.double().softmax(0)
        expected.append(float(odds[ids["yes"]] / (odds[ids["yes"]] + odds[ids["no"]])))
    found = yes_shares(model, image.pixels, phrases, question_of(model))
    assert found == pytest.approx(expected, abs=1e-5)
