"""Sweeps against the slow way: one whole masked pass per knock-out, read off by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import made
from vlmscope.attention.sweep import KnockoutSpec, sweep
from vlmscope.models import LoadedModel, Prompt

QUESTION = "what colour is the circle on the left ?"
PROMPT = Prompt(QUESTION, answer="a large red circle")
KINDS = ("llama", "llama-gqa", "mistral", "qwen2")
OTHERS = ("qwen2.5-vl", "gemma3", "paligemma", "internvl", "blip-2", "mllama", "smolvlm")
EDGES = {
    "image->query": (("image", "query"),),
    "image->generated": (("image", "generated"),),
    "query->generated": (("query", "generated"),),
    "both": (("image", "query"), ("image", "generated")),
    "two-way": (("image", "query"), ("query", "image")),
    "system->query": (("system", "query"),),
}


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def slow(model: LoadedModel, spec: KnockoutSpec, preset: str) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the answer, and its next-token log-distributions, in one plain pass."""
    encoded = model.encode([picture()], [PROMPT], preset=preset)
    positions = torch.from_numpy(encoded.token_maps[0].positions("generated"))
    with (
        vs.knockout(model, spec.edges, layers=spec.layers, heads=spec.heads, keep_own=True),
        vs.capture(model, rows="last_text"),  # binds the pass to its token map
    ):
        from vlmscope.attention.installed import instrument
        from vlmscope.attention.instrument import Binding

        with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
            logits = model.family.forward(model.hf, positions - 1, **encoded.inputs)[0]
    scores = logits.double().log_softmax(-1)
    ids = encoded.inputs["input_ids"][0, positions]
    return scores.gather(-1, ids[:, None])[:, 0].numpy(), scores.numpy()


def check(model: LoadedModel, specs: list[KnockoutSpec]) -> None:
    preset = model.family.presets[0]
    swept = sweep(model, picture(), PROMPT, specs, preset=preset)
    nothing = KnockoutSpec((("generated", "system"),), (0,))  # carries nothing in any causal order
    clean, clean_scores = slow(model, nothing, preset)
    np.testing.assert_allclose(swept.answer.logprobs, clean, atol=1e-4)
    assert len(swept.effects) == len(specs)
    for spec, effect in zip(specs, swept.effects, strict=True):
        expected, scores = slow(model, spec, preset)
        np.testing.assert_allclose(effect.logprobs, expected, atol=1e-4, err_msg=str(spec))
        kl = (np.exp(clean_scores) * (clean_scores - scores)).sum(-1)
        np.testing.assert_allclose(effect.kl, kl, atol=1e-4, err_msg=str(spec))


@pytest.mark.parametrize("variant", list(EDGES))
@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_equals_plain_passes(kind: str, variant: str) -> None:
    model = llava(kind)
    layers = [(0,), (1,), (2, 3), (0, 1, 2, 3), (0, 3)]
    check(model, [KnockoutSpec(EDGES[variant], each) for each in layers])


@pytest.mark.parametrize("name", OTHERS)
def test_other_families_equal_plain_passes(name: str) -> None:
    model = made(name)
    depth = len(model.layers)
    specs = [KnockoutSpec(EDGES["both"], (layer,)) for layer in range(depth)]
    with pytest.warns() if name == "none" else _quietly():
        check(model, [*specs, KnockoutSpec(EDGES["image->query"], tuple(range(depth)))])


def _quietly():
    import warnings

    return warnings.catch_warnings()


def test_chosen_heads_equal_plain_passes() -> None:
    specs = [KnockoutSpec(EDGES["both"], (layer,), (1, 6)) for layer in range(4)]
    check(llava(), specs)


def test_what_carries_nothing_has_exactly_no_effect() -> None:
    model = llava()
    backwards = KnockoutSpec((("query", "image"),), (0, 1, 2, 3))
    # in the last layer only rows that are read off matter: the question's own rows do not
    last = KnockoutSpec((("image", "phrase"),), (3,))
    swept = sweep(model, picture(), PROMPT, [backwards, last], preset="chat")
    for effect in swept.effects:
        assert np.array_equal(effect.logprobs, swept.answer.logprobs)
        assert not effect.replayed and not effect.changed and not effect.kl.any()


def test_blocking_everything_is_a_prompt_without_the_image() -> None:
    """No row but the image's own reads the image, so another image gives the same."""
    model = llava()
    spec = KnockoutSpec((("image", "text"), ("image", "generated")), tuple(range(4)))
    one = sweep(model, picture(), PROMPT, [spec], preset="chat").effects[0]
    other = sweep(model, 255 - picture(), PROMPT, [spec], preset="chat").effects[0]
    np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-5)


def test_the_model_is_left_as_it_was() -> None:
    model = llava()
    before = vs.prefill(model, picture(), QUESTION).logits
    sweep(model, picture(), PROMPT, [KnockoutSpec(EDGES["both"], (1,))], preset="chat")
    assert torch.equal(before, vs.prefill(model, picture(), QUESTION).logits)


@pytest.mark.parametrize("ask", [True, False])
def test_answers_under_a_knockout_are_those_of_generate(ask: bool) -> None:
    model = llava()
    specs = [KnockoutSpec(EDGES["both"], (0, 1, 2, 3)), KnockoutSpec(EDGES["image->query"], (1,))]
    swept = sweep(model, picture(), QUESTION, specs, preset="chat", ask=ask, max_new_tokens=5)
    for spec, effect in zip(specs, swept.effects, strict=True):
        if not ask:
            assert effect.answer is None
            continue
        with vs.knockout(model, spec.edges, layers=spec.layers):
            said = vs.generate(model, picture(), QUESTION, preset="chat", max_new_tokens=5)
        assert effect.answer == said.text
