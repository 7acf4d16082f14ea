"""Maps averaged while the model runs are the averages of what eager attention gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from families import llava
from lvlms import made
from vlmscope.attention import read_heads
from vlmscope.attention.maps import image_layers, read_means
from vlmscope.attention.mean_maps import Reading
from vlmscope.errors import AttentionError, UnknownNameError
from vlmscope.models import LoadedModel, Prompt

ALL = (0, 1, 2, 3)
# carried by a Q-Former, crossed, both ways, sliding windows, a position per axis, tiles
KINDS = ("blip-2", "mllama", "paligemma", "gemma3-window", "qwen2.5-vl", "llava-next")
IMAGE = np.random.default_rng(7).integers(0, 255, (48, 72, 3), dtype=np.uint8)
PHRASES = (
    Prompt("the red circle"),
    Prompt("where is the small dog on the left ?", (9, 22)),
    Prompt("cat"),
)
ANSWERED = Prompt("where is the dog ?", (9, 16), answer="it is on the left")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava()


def eager(model: LoadedModel, prompt: Prompt, preset: str) -> tuple[np.ndarray, object]:
    """Float (positions, image tokens): the plain way, every head of every layer averaged."""
    encoded = model.encode([IMAGE], [prompt], preset=preset)
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            out = model.hf(**encoded.inputs, output_attentions=True)
    finally:
        model.decoder.set_attn_implementation("sdpa")
    tokens = encoded.token_maps[0]
    mean = torch.stack(out.attentions)[:, 0].mean(dim=(0, 1)).numpy()
    return mean[:, tokens.image_positions], tokens


@pytest.mark.parametrize("preset", ["paper", "chat"])
@pytest.mark.parametrize("prompt", PHRASES, ids=lambda prompt: prompt.text)
def test_the_plain_way_gives_the_same(model: LoadedModel, prompt: Prompt, preset: str) -> None:
    rows, tokens = eager(model, prompt, preset)
    places = {
        "last_text": tokens.positions("phrase")[-1:],
        "phrase": tokens.positions("phrase"),
        "last_input": tokens.positions("text")[-1:],
    }
    for name, positions in places.items():
        found = read_means(model, IMAGE, [prompt], Reading(name, ALL, preset, rest=True))[0]
        np.testing.assert_allclose(found.mean, rows[positions].mean(axis=0), atol=1e-6)
        rest = rows[tokens.positions("query")].mean(axis=0)
        np.testing.assert_allclose(found.rest, rest, atol=1e-6)
        assert found.row_tokens == tuple(tokens.tokens[p] for p in positions)
        assert found.rest_tokens == tuple(tokens.tokens[p] for p in tokens.positions("query"))
        assert found.preset == preset


def test_with_an_answer_the_rest_are_the_rows_that_predict_it(model: LoadedModel) -> None:
    rows, tokens = eager(model, ANSWERED, "chat")
    written = tokens.positions("generated")
    assert len(written) == 5
    found = read_means(model, IMAGE, [ANSWERED], Reading("phrase", ALL, "chat", rest=True))[0]
    np.testing.assert_allclose(found.rest, rows[written - 1].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.mean, rows[tokens.positions("phrase")].mean(0), atol=1e-6)
    again = read_means(model, IMAGE, [ANSWERED], Reading("generated", ALL, "chat"))[0]
    np.testing.assert_allclose(again.mean, found.rest, atol=1e-6)
    assert again.rest is None


@pytest.mark.parametrize("name", KINDS)
def test_together_and_alone(name: str) -> None:
    model = made(name)
    reading = Reading("phrase", image_layers(model), model.family.presets[0], rest=True)
    phrases = [PHRASES[1], *([ANSWERED] if model.family.causal_image else [PHRASES[0]])]
    together = read_means(model, IMAGE, phrases, reading)
    for phrase, found in zip(phrases, together, strict=True):
        alone = read_means(model, IMAGE, [phrase], reading)[0]
        np.testing.assert_allclose(found.mean, alone.mean, atol=1e-5)
        np.testing.assert_allclose(found.rest, alone.rest, atol=1e-5)
        assert (found.row_tokens, found.rest_tokens) == (alone.row_tokens, alone.rest_tokens)
        heads = read_heads(model, IMAGE, [phrase], rows="phrase", preset=reading.preset)[0]
        read = np.isin([head.layer for head in heads.heads], reading.layers)
        np.testing.assert_allclose(found.mean, heads.maps[read].mean(axis=(0, 1)), atol=1e-6)
        assert len(found.mean) == sum(view.boxes.shape[0] for view in found.token_map.views)


def test_only_the_layers_asked_for_and_nothing_above(model: LoadedModel) -> None:
    ran: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(model.layers)
    ]
    try:
        found = read_means(model, IMAGE, PHRASES, Reading("last_text", (1, 2)))
    finally:
        for hook in hooks:
            hook.remove()
    assert ran and max(ran) <= 2
    heads = read_heads(model, IMAGE, PHRASES, heads=[(la, h) for la in (1, 2) for h in range(8)])
    for own, each in zip(found, heads, strict=True):
        np.testing.assert_allclose(own.mean, each.maps.mean(axis=(0, 1)), atol=1e-6)


def test_no_head_is_kept(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is one map per layer and row, however many heads there are."""
    from vlmscope.attention import Trace

    kept: list[tuple[int, ...]] = []
    real = Trace.of

    def seen(trace: Trace, item: int) -> torch.Tensor:
        kept.append(tuple(real(trace, item).shape))
        return real(trace, item)

    monkeypatch.setattr(Trace, "of", seen)
    read_means(model, IMAGE, PHRASES, Reading("phrase", ALL, rest=True))
    assert kept and all(shape[:2] == (4, 1) for shape in kept)


def test_numbered_rows_count_within_each_prompt(model: LoadedModel) -> None:
    rows, _ = eager(model, PHRASES[0], "paper")
    found = read_means(model, IMAGE, PHRASES, Reading([-2, -1], ALL, "paper"))
    np.testing.assert_allclose(found[0].mean, rows[-2:].mean(axis=0), atol=1e-6)
    assert found[1].row_tokens == ("left", "?")


def test_only_cross_attention_layers_look_at_a_crossed_image() -> None:
    assert image_layers(made("mllama")) == (1, 3)
    assert image_layers(llava(layers=2)) == (0, 1)


def test_rows_that_are_not_there(model: LoadedModel) -> None:
    for rows in ("generated", "box"):
        with pytest.raises(AttentionError, match=f"rows='{rows}' needs a Prompt with an answer"):
            read_means(model, IMAGE, [ANSWERED, PHRASES[0]], Reading(rows, ALL))
    with pytest.raises(UnknownNameError, match="last_text"):
        read_means(model, IMAGE, PHRASES, Reading("last_txt", ALL))
    with pytest.raises(AttentionError, match="does not exist"):
        read_means(model, IMAGE, [PHRASES[0]], replace(Reading(99, ALL), layers=(0,)))
