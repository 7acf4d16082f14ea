"""What is read of a mention, against the passes that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.analysis.hallucination import SIGNS, HallucinationOptions, hallucination, measure
from vlmscope.analysis.hallucination.evidence import SaidMention, signs_of
from vlmscope.analysis.hallucination.hidden_states import hidden_states, lens
from vlmscope.analysis.hallucination.measure import spoilt
from vlmscope.analysis.hallucination.mentions import Assertion, asserted
from vlmscope.analysis.hallucination.passes import Answered
from vlmscope.analysis.hallucination.passes import WholePasses as Whole
from vlmscope.analysis.hallucination.shared_passes import SharedPasses, image_passes
from vlmscope.analysis.hallucination.signs import BASE_RATE
from vlmscope.analysis.tokens import GroundedAnswer, token_grounding
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.data.datasets import Asked, Described, EvalSample, Referent, open_dataset
from vlmscope.data.datasets.base import NOWHERE
from vlmscope.data.images import open_image
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import AttentionError, BadOptionError
from vlmscope.models import Prompt

PIXELS = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
IMAGE = open_image(PIXELS)


@pytest.fixture(scope="module")
def model() -> vs.LoadedModel:
    return llava()


def test_the_last_layer_decodes_to_what_the_model_says_next(model: vs.LoadedModel) -> None:
    ids = answer_ids(model, Prompt.of("a red mug"), "a dog", 1, None)
    encoded = encode_forced(model, PIXELS, "a red mug", ids)
    last = len(model.layers) - 1
    with hidden_states(model, [last]) as kept:
        scores, _ = run_forced(model, encoded)
    rows = encoded.token_maps[0].positions("generated") - 1
    decoded = lens(model, kept[last][0, torch.from_numpy(rows)])
    assert torch.allclose(decoded[range(len(ids)), list(ids)], scores, atol=1e-4)
    assert not model.layers[last]._forward_hooks
    with pytest.raises(AttentionError), hidden_states(model, [99]):
        pass


def dog_of(model: vs.LoadedModel, share: float) -> tuple[dict[str, float], GroundedAnswer]:
    """The signs of a dog, and what token grounding reads of the same answer."""
    options = HallucinationOptions(preset=None, patches=share)
    answer = token_grounding(model, PIXELS, "a mug", "a dog", options.reading(9), phrases=())
    ids = answer_ids(model, Prompt.of("a mug"), "a dog", 1, None)
    words = [word.word for word in answer.words]
    said = SaidMention(Assertion("dog", "dog", (1,), True), Answered("a mug", ids), words)
    [passes] = image_passes(model, [PIXELS], [[Asked("1", "a mug")]], options)
    assert isinstance(passes, SharedPasses)
    [signs] = signs_of(model, passes, [said], share, np.random.default_rng(0))
    return signs, answer


def test_signs_are_those_of_token_grounding(model: vs.LoadedModel) -> None:
    signs, answer = dog_of(model, 0.25)
    word, layers = answer.words[1], slice(answer.layers[0], answer.layers[1] + 1)
    count = len(word.word.tokens)
    assert set(signs) == set(SIGNS) - {BASE_RATE}
    assert signs["probability"] == pytest.approx(word.log_prob / count, abs=1e-4)
    assert signs["image share"] == pytest.approx(word.share[layers].mean(), abs=1e-5)
    over_blank = word.attention_over_blank(layers)
    assert signs["share over blank"] == pytest.approx(over_blank, abs=1e-5)
    assert signs["gain over blank"] == pytest.approx(word.gain / count, abs=1e-4)
    assert 0 < signs["head agreement"] <= 1.0 + 1e-9 and signs["logit lens"] < 0


def test_without_any_patch_is_the_image_blocked(model: vs.LoadedModel) -> None:
    signs, answer = dog_of(model, 1.0)
    word = answer.words[1]
    lost = (word.log_prob - word.blocked_log_prob) / len(word.word.tokens)
    assert signs["gain over blocked"] == pytest.approx(lost, abs=1e-4)
    assert signs["patch knock-out"] == pytest.approx(1 - np.exp(-lost), abs=1e-4)
    assert signs["random patches"] == pytest.approx(signs["patch knock-out"], abs=1e-6)


@pytest.mark.parametrize("batch", [1, 2])
def test_images_read_once_give_what_whole_passes_give(
    model: vs.LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    make_tiny("chair", tmp_path / "c", 2)
    data = open_dataset("chair", tmp_path / "c")
    # a model of random weights says nothing of what is looked for
    for kind in (Whole, SharedPasses):
        monkeypatch.setattr(kind, "say", lambda self, asked: ["a red star and a star"])
    options = HallucinationOptions(preset=None, noise=9.0, batch=batch)
    shared = hallucination(model, data, options)
    monkeypatch.setattr(measure, "image_passes", whole_passes)
    whole = hallucination(model, data, options)
    assert len(shared.mentions) == len(whole.mentions) == 4
    for one, two in zip(shared.mentions, whole.mentions, strict=True):
        assert one["signs"] == pytest.approx(two["signs"], abs=2e-5)


def whole_passes(
    model: vs.LoadedModel, pictures: Any, asked: Any, options: HallucinationOptions
) -> list[Whole]:
    first, last = options.reading(1).layers(len(model.layers))
    return [Whole(model, each, options, range(first, last + 1)) for each in pictures]


def test_short_and_long_answers_are_those_of_generate(model: vs.LoadedModel) -> None:
    texts = ["a red mug", "what is it", "a red mug"]
    asked = [
        Asked(str(n), text, room=room)
        for n, (text, room) in enumerate(zip(texts, (2, 9, 12), strict=True))
    ]
    [passes] = image_passes(model, [PIXELS], [asked], HallucinationOptions(preset=None))
    options = HallucinationOptions(preset=None)
    whole = Whole(model, PIXELS, options, range(1))
    assert passes.say(asked) == whole.say(asked)
    assert passes.say(asked[1:2]) == whole.say(asked[1:2])


def test_who_says_yes_asserts_and_who_says_neither_is_counted() -> None:
    asked = Asked("1", "Is there a dog?", False)
    there = Referent("dog", ("dog",), NOWHERE, absent=True)
    sample = EvalSample("a", IMAGE, (there,), asked=(asked,))
    assert asserted(sample, asked, 0, ["Yes"]) == ([Assertion("dog", "dog", (0,), False)], "")
    assert asserted(sample, asked, 0, ["No"])[1] == "answer of no, which asserts nothing"
    assert asserted(sample, asked, 0, ["Maybe"])[1] == "answer that is neither yes nor no"


def test_mentions_of_a_description_know_their_words() -> None:
    truth = Described(("dog",), ("a cat",), ("dog", "cat", "hot dog", "bus"))
    sample = EvalSample("a", IMAGE, asked=(Asked("1", "?"),), described=truth)
    words = ["A", "dog", "and", "two", "hot", "dogs", "cats"]
    found, silent = asserted(sample, sample.asked[0], 0, words)
    assert [(m.name, m.words, m.real) for m in found] == [
        ("dog", (1,), True),
        ("hot dog", (4, 5), False),
        ("cat", (6,), True),
    ]
    assert silent == "" and "names no object" in asserted(sample, sample.asked[0], 0, ["sky"])[1]


def test_noise_changes_a_picture_and_none_leaves_it() -> None:
    rng = np.random.default_rng(0)
    assert spoilt(PIXELS, 0.0, 0.0, rng) is PIXELS
    assert np.abs(spoilt(PIXELS, 0.0, 9.0, rng).astype(int) - PIXELS).mean() > 3


def test_every_question_is_answered_and_counted(model: vs.LoadedModel, tmp_path: Path) -> None:
    make_tiny("pope", tmp_path / "p", 1)
    data = open_dataset("pope", tmp_path / "p")
    options = HallucinationOptions(max_new_tokens=1)
    state = tmp_path / "state.jsonl"
    result = hallucination(model, data, options, resume=state)
    assert result.answers == len(data.load(data.image_ids[0]).asked)
    assert sum(result.silent.values()) + len(result.mentions) == result.answers
    again = hallucination(model, data, options, resume=state)
    assert again.to_dict() == result.to_dict()
    with pytest.raises(AttentionError):
        hallucination(model, data, HallucinationOptions(last_layer=99))
    with pytest.raises(BadOptionError, match="pope or chair"):
        hallucination(model, open_dataset("tiny-scenes"))


@pytest.mark.parametrize("text", ["", " . "])
def test_an_answer_of_no_word_is_counted(
    model: vs.LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    make_tiny("pope", tmp_path / "p", 1)
    data = open_dataset("pope", tmp_path / "p")
    monkeypatch.setattr(SharedPasses, "say", lambda self, asked: [text for _ in asked])
    result = hallucination(model, data, HallucinationOptions())
    assert result.silent == {"answer of no tokens or no words": result.answers}
    assert not result.mentions
