"""Compressed context: the whole cache exactly at 100%, original positions, controls, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import builds, made
from vlmscope.analysis.context import MEASURES, compress_context, context_sweep
from vlmscope.analysis.context.compress import read_image
from vlmscope.data.questions import scene_questions
from vlmscope.errors import (
    BadOptionError,
    BadSampleError,
    UnknownNameError,
    UnsupportedError,
    VlmscopeWarning,
)
from vlmscope.models import LoadedModel
from vlmscope.tiny import render_scene

QUESTION = "what colour is the red circle on the left ?"
CAUSAL = [name for name in builds() if made(name).family.causal_image]
PICKING = [name for name in CAUSAL if name.startswith("mistral-large-4")]
SHARED = [name for name in CAUSAL if not made(name).family.recurrent and name not in PICKING]
HYBRIDS = [name for name in CAUSAL if made(name).family.recurrent]


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    return vs.load("tiny-llava")


@pytest.mark.parametrize("name", SHARED)
def test_all_tokens_without_a_prompt_answer_as_the_model_does(name: str) -> None:
    model = made(name)
    preset = model.family.presets[0]
    options = {"max_new_tokens": 6, "preset": preset}
    expected = vs.generate(model, picture(), QUESTION, **options).text
    context = compress_context(model, picture(), None, keep=1.0, by="norm", preset=preset)
    assert context.ask(QUESTION, 6) == expected
    assert context.tokens == context.full_tokens and context.size == context.full_size


@pytest.mark.parametrize("name", HYBRIDS)
def test_a_state_that_holds_the_image_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"carries a state.*cannot be left out"):
        compress_context(made(name), picture(), None, keep=0.5, by="norm")


@pytest.mark.parametrize("name", PICKING)
def test_keys_of_an_indexer_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"keys of an indexer.*cannot be left out"):
        compress_context(made(name), picture(), None, keep=0.5, by="norm")


@pytest.mark.parametrize("text", ["llama-gqa", "mistral"])
def test_hidden_tokens_are_gone_and_the_rest_keeps_its_positions(text: str) -> None:
    """Equal to a pass over the whole prompt in which each layer may not read what it forgot.

    The window of ``mistral`` is shorter than the context: it must reach no further back for that.
    """
    model = llava(text)
    read = read_image(model, picture(), None, by="random", preset="chat")
    context = read.compressed(0.3)
    image = read.cached.token_map.image_positions
    assert context.kept.shape == (4, 5)  # a third of 16, rounded up
    seen: list[torch.Tensor] = []
    hook = model.hf.lm_head.register_forward_hook(lambda *args: seen.append(args[-1]))
    context.ask(QUESTION, 1)
    hook.remove()
    blocks = []
    for layer in range(4):
        gone = np.setdiff1d(image, image[context.kept[layer]]).tolist()
        blocks.append(vs.knockout(model, [(gone, "text")], layers=[layer]))
    system = vs.token_map(model, picture(), QUESTION, preset="chat").positions("system")
    for block in blocks:
        block.__enter__()
    try:
        expected = vs.prefill(model, picture(), QUESTION, preset="chat").logits
    finally:
        for block in reversed(blocks):
            block.__exit__(None, None, None)
    assert len(system)  # they come before the image, so no edge of theirs is blocked
    torch.testing.assert_close(seen[0][-1][None], expected[0][None], atol=1e-4, rtol=0)


@pytest.mark.parametrize("by", MEASURES)
def test_every_measure_keeps_the_share_asked_for(by: str) -> None:
    context = compress_context(llava(), picture(), keep=0.25, by=by, max_new_tokens=4)
    assert context.kept.shape == (4, 4)
    assert context.tokens == context.full_tokens - 12
    assert context.size / context.full_size == pytest.approx(context.tokens / context.full_tokens)
    assert (np.diff(context.kept, axis=1) > 0).all()
    assert bool(context.said) <= (by == "attention")


def test_attention_is_that_of_the_tokens_that_are_said() -> None:
    model = llava()
    read = read_image(model, picture(), QUESTION, by="attention", max_new_tokens=5, preset="chat")
    with vs.capture(model, rows="generated") as trace:
        said = vs.generate(model, picture(), QUESTION, max_new_tokens=5, preset="chat")
    assert read.said == said.text
    expected = trace.maps.double().mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(read.importance, expected, atol=1e-6)
    prompt = len(said.token_map) - len(said.ids)
    assert read.cached.cache.get_seq_length() == prompt, "what was said must be forgotten again"


def test_questions_do_not_see_one_another(tiny: LoadedModel) -> None:
    (question,) = scene_questions(1, ["shape"])
    context = compress_context(tiny, question.image, None, keep=0.5)
    first = context.ask(question.text)
    context.ask("what colour is it")
    assert context.ask(question.text) == first


def test_a_sweep_reports_accuracy_against_size(tiny: LoadedModel) -> None:
    questions = list(scene_questions(6, ["colour"]))
    curve = context_sweep(tiny, questions, (0.0, 1.0), ("attention", "random"), prompt=None)
    points = {(point.by, point.keep): point for point in curve.points}
    assert set(points) == {(by, keep) for by in ("attention", "random") for keep in (0.0, 1.0)}
    full, none = points["attention", 1.0], points["attention", 0.0]
    assert full.agreement.value == 1.0 and full.accuracy.value == 1.0
    assert none.accuracy.value < 0.7 and none.tokens < full.tokens
    assert curve.to_dict()["run"]["analysis"] == "context"


def test_bad_input_is_refused(tiny: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="0 to 1, got 1.5"):
        compress_context(tiny, picture(), keep=1.5)
    with pytest.raises(UnknownNameError, match="attention"):
        compress_context(tiny, picture(), by="atention")
    with pytest.raises(BadOptionError, match="option max_new_tokens takes a whole number of at le"):
        compress_context(tiny, picture(), max_new_tokens=0)
    with pytest.raises(BadOptionError, match="option seed takes a whole number"):
        compress_context(tiny, picture(), seed=-1)
    with pytest.raises(BadSampleError, match="at least one"):
        context_sweep(tiny, [])
    with pytest.raises(UnsupportedError, match="cannot go on from a cached image"):
        compress_context(made("mllama"), picture())


def test_words_that_the_vocabulary_lacks_are_named(tiny: LoadedModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", VlmscopeWarning)
        context = compress_context(tiny, render_scene(1).image, None, keep=0.5, by="norm")
    with pytest.warns(VlmscopeWarning, match=r"vocabulary lacks 'zebra'"):
        context.ask("where is the zebra ?", max_new_tokens=2)
    with pytest.warns(VlmscopeWarning, match=r"vocabulary lacks 'quagga'"):
        compress_context(tiny, picture(), "where is the quagga ?", keep=0.5, by="norm")


def test_what_kept_tokens_hold(tiny: LoadedModel) -> None:
    read = read_image(tiny, render_scene(20_000_000).image, "describe the picture")
    for keep in (0.0, 0.1, 0.5, 1.0):
        kept = read.compressed(keep).kept
        for layer, (chosen, share) in enumerate(zip(kept, read.held(keep), strict=True)):
            weights = read.importance[layer]
            assert share == pytest.approx(weights[chosen].sum() / weights.sum())
            assert share >= keep - 1e-9  # the most important ones hold no less than others
    assert np.allclose(read.held(1.0), 1.0) and not read.held(0.0).any()
    with pytest.raises(BadOptionError, match="keep"):
        read.held(1.5)
