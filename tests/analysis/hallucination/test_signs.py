"""What is read of a mention, against the passes that it comes from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.analysis.hallucination import SIGNS, HallucinationOptions, hallucination, measure
from vlmscope.analysis.hallucination.evidence import AnswerReader
from vlmscope.analysis.hallucination.hidden_states import hidden_states, lens
from vlmscope.analysis.hallucination.measure import with_noise
from vlmscope.analysis.hallucination.mentions import Assertion, asserted
from vlmscope.analysis.hallucination.signs import BASE_RATE
from vlmscope.analysis.tokens import token_grounding
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
    decoded = lens(model, kept[last][torch.from_numpy(rows)])
    assert torch.allclose(decoded[range(len(ids)), list(ids)], scores, atol=1e-4)
    assert not model.layers[last]._forward_hooks
    with pytest.raises(AttentionError), hidden_states(model, [99]):
        pass


def test_without_any_patch_is_the_image_blocked(model: vs.LoadedModel) -> None:
    options = HallucinationOptions(preset=None, patches=1.0)
    answer = token_grounding(model, PIXELS, "a mug", "a dog", options.reading(9), phrases=())
    reader = AnswerReader.read(model, answer, options)
    signs = reader.signs(Assertion("dog", "dog", (1,), True), np.random.default_rng(0))
    assert set(signs) == set(SIGNS) - {BASE_RATE}
    assert signs["patch knock-out"] == pytest.approx(
        1 - np.exp(-signs["gain over blocked"]), abs=1e-5
    )
    assert signs["random patches"] == pytest.approx(signs["patch knock-out"], abs=1e-6)
    assert signs["probability"] < 0 and signs["logit lens"] < 0
    assert 0 < signs["image share"] < 1 and 0 < signs["head agreement"] <= 1.0 + 1e-9


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
    assert with_noise(PIXELS, 0.0, rng) is PIXELS
    assert np.abs(with_noise(PIXELS, 9.0, rng).astype(int) - PIXELS).mean() > 3


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
    monkeypatch.setattr(measure, "generate", lambda *_, **__: SimpleNamespace(text=text))
    result = hallucination(model, data, HallucinationOptions())
    assert result.silent == {"answer of no tokens or no words": result.answers}
    assert not result.mentions
