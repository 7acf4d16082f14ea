"""Early stop and the shared image prefix give the same rows as the whole pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.attention import read_heads, shared_prefix
from vlmscope.errors import AttentionError, BadImageError, UnsupportedError

PHRASES = ["the small red circle", "a large blue star on the left of the dog", "pizza", "a man"]
KINDS = ("llama", "llama-gqa", "mistral", "qwen2")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 255, (33, 71, 3), dtype=np.uint8)


def whole(model: vs.models.LoadedModel, image: np.ndarray, phrase: str, rows: str) -> torch.Tensor:
    with vs.capture(model, rows=rows) as trace:
        vs.prefill(model, image, phrase)
    return trace.maps


@pytest.mark.parametrize("kind", KINDS)
def test_early_stop_gives_the_same_rows(kind: str, image: np.ndarray) -> None:
    model = llava(kind)
    ran: list[int] = []
    hooks = [
        layer.mlp.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(model.layers)
    ]
    with vs.capture(model, layers=[0, 2]) as trace:
        out = vs.prefill(model, image, PHRASES[0], stop_after=2)
    for hook in hooks:
        hook.remove()
    assert out.logits is None
    assert ran == [0, 1], "nothing from the last layer's output on should be computed"
    expected = whole(model, image, PHRASES[0], "last_text")[[0, 2]]
    torch.testing.assert_close(trace.maps, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", ["last_text", "last_input", "phrase"])
@pytest.mark.parametrize("preset", ["paper", "chat"])
@pytest.mark.parametrize("kind", KINDS)
def test_shared_prefix_gives_the_same_rows(
    kind: str, preset: str, rows: str, image: np.ndarray
) -> None:
    model = llava(kind)
    heads = [(1, 3), (2, 0), (2, 7)]
    found = read_heads(model, image, PHRASES, rows=rows, heads=heads, preset=preset)
    for phrase, maps in zip(PHRASES, found, strict=True):
        with vs.capture(model, rows=rows) as trace:
            vs.prefill(model, image, phrase, preset=preset)
        expected = torch.stack([trace.maps[layer, head] for layer, head in heads])
        torch.testing.assert_close(torch.from_numpy(maps.maps), expected, atol=1e-5, rtol=0)
        assert maps.row_tokens == tuple(
            trace.token_map.tokens[int(p)] for p in trace.row_positions()
        )


def test_the_image_is_encoded_once_for_many_phrases(image: np.ndarray) -> None:
    model = llava()
    calls: list[int] = []
    hook = model.hf.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    read_heads(model, image, PHRASES, heads=[(1, 0)])
    hook.remove()
    assert len(calls) == 1


def test_many_phrases_go_in_several_packs(
    image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmscope.attention.prefix._PACK_TOKENS", 12)
    model = llava()
    phrases = PHRASES * 5
    found = read_heads(model, image, phrases, heads=[(2, 1)])
    for first, again in zip(found[:4], found[-4:], strict=True):
        np.testing.assert_allclose(first.maps, again.maps, atol=1e-6)
    expected = whole(model, image, PHRASES[1], "last_text")[2, 1]
    np.testing.assert_allclose(found[5].maps[0], expected.numpy(), atol=1e-5)


def test_numbered_rows_run_phrase_by_phrase(image: np.ndarray) -> None:
    model = llava()
    found = read_heads(model, image, PHRASES, rows=-1, heads=[(1, 2)])
    expected = whole(model, image, PHRASES[3], "last_input")[1, 2]
    np.testing.assert_allclose(found[3].maps[0], expected.numpy(), atol=1e-5)


def test_knockout_applies_under_a_shared_prefix(image: np.ndarray) -> None:
    model = llava()
    with vs.knockout(model, [("image", "query")], layers=[1]):
        found = read_heads(model, image, PHRASES, heads=[(1, 0), (2, 0)])
        with vs.capture(model) as trace:
            vs.prefill(model, image, PHRASES[1])
    assert np.abs(found[1].maps[0]).max() == 0
    np.testing.assert_allclose(found[1].maps[1], trace.maps[2, 0].numpy(), atol=1e-5)


def test_a_prefix_is_not_reused_under_another_knockout(image: np.ndarray) -> None:
    model = llava()
    prefix = shared_prefix(model, image, stop_after=2)
    texts = prefix.encode(PHRASES[:1])
    ((_, pack),) = prefix.packs(texts)
    prefix.run(pack)
    with pytest.raises(AttentionError, match="other knock-outs"):
        with vs.knockout(model, [("system", "image")]):
            prefix.run(pack)


def test_a_family_whose_image_sees_the_text_is_refused(
    image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = llava()
    monkeypatch.setattr(type(model.family), "causal_image", False)
    with pytest.raises(UnsupportedError, match="cannot be shared"):
        shared_prefix(model, image)
    found = read_heads(model, image, PHRASES[:1], heads=[(1, 0)])  # the whole way, by itself
    assert found[0].maps.shape == (1, 1, 16)


@pytest.mark.parametrize(("given", "prompt"), [([], "pizza"), ([[]], "pizza"), (None, "pizza")])
def test_text_without_an_image_is_refused(given: object, prompt: str) -> None:
    with pytest.raises(BadImageError):
        vs.prefill(llava(), given, prompt)
