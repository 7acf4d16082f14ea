"""Discovery and grounding through a real (random, tiny) LLaVA: nothing is faked here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from families import llava
from vlmscope.errors import BadPhraseError
from vlmscope.heads import DiscoveryOptions, discover_heads
from vlmscope.methods import ground
from vlmscope.models import LoadedModel
from vlmscope.types import Head, HeadSet

FEW = DiscoveryOptions(candidates=4)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava(layers=6)


def _image(number: int, size: tuple[int, int] = (48, 72)) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, size=(*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def heads(model: LoadedModel) -> HeadSet:
    pairs = [(_image(number), "the red circle") for number in range(6)]
    return discover_heads(model, pairs, FEW, progress=False)


def test_discovered_heads_can_be_used_at_once(model: LoadedModel, heads: HeadSet) -> None:
    assert len(heads.heads) == 3 and heads.model == model.id and heads.shape == (6, 8)
    found = ground(model, _image(9), "the red circle", heads=heads)
    assert found.details["row_tokens"] == ["circle"]
    assert found.score_map.shape == (4, 4) and found.heatmap.shape == (48, 72)
    assert found.warnings == ()


def test_a_discovery_that_was_interrupted_ends_the_same(
    model: LoadedModel, heads: HeadSet, tmp_path: Path
) -> None:
    pairs = [(_image(number), "the red circle") for number in range(6)]
    state = tmp_path / "state.jsonl"
    discover_heads(model, pairs[:3], FEW, progress=False, resume=state)
    assert discover_heads(model, pairs, FEW, progress=False, resume=state) == heads


def test_fault_attention_of_one_image_used_for_the_next(model: LoadedModel) -> None:
    pick = [(3, 1), (4, 2)]
    first, second, again = (
        ground(model, _image(number), "the dog", heads=pick).score_map for number in (1, 2, 1)
    )
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_allclose(first, again, atol=1e-7)


def test_phrases_together_give_what_each_gives_alone(model: LoadedModel) -> None:
    phrases = ["the red circle", "a dog", "the small green square on the left"]
    together = ground(model, _image(4), phrases, heads="L3H1,L4H2")
    for phrase, found in zip(phrases, together, strict=True):
        alone = ground(model, _image(4), phrase, heads="L3H1,L4H2")
        np.testing.assert_allclose(found.score_map, alone.score_map, atol=1e-5)
        assert found.details["row_tokens"] == [phrase.split()[-1]]


def test_fault_the_whole_model_run_to_read_a_layer_in_its_middle(model: LoadedModel) -> None:
    ran = []
    hooks = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(model.layers)
    ]
    try:
        ground(model, _image(1), "a dog", heads=[(2, 0)])
    finally:
        for hook in hooks:
            hook.remove()
    assert max(ran) <= 2


def test_fault_eager_attention_forced_on_the_users_model(model: LoadedModel) -> None:
    before = model.decoder.config._attn_implementation
    weights = [parameter.clone() for parameter in model.hf.parameters()]
    ground(model, _image(1), "a dog", heads=[(2, 0)])
    assert model.decoder.config._attn_implementation == before == "sdpa"
    assert all(
        torch.equal(old, new) for old, new in zip(weights, model.hf.parameters(), strict=True)
    )


@pytest.mark.parametrize("rows", ["last_text", "last_input", "phrase"])
@pytest.mark.parametrize("prompt", ["paper", "chat"])
def test_every_row_and_prompt_can_be_read(model: LoadedModel, rows: str, prompt: str) -> None:
    found = ground(model, _image(2), "the red circle", heads=[(3, 0)], rows=rows, prompt=prompt)
    expected = {
        "last_text": ["circle"],
        "phrase": ["the", "red", "circle"],
        "last_input": ["circle"] if prompt == "paper" else [":"],
    }
    assert found.details["row_tokens"] == expected[rows]


def test_a_wide_image_is_padded_unless_the_processor_is_to_crop_it(model: LoadedModel) -> None:
    image = _image(3, (40, 120))
    padded = ground(model, image, "a dog", heads=[(3, 0)])
    cropped = ground(model, image, "a dog", heads=[(3, 0)], placement="processor")
    assert padded.details["placement"] == "pad" and padded.seen == (0, 0, 120, 40)
    assert cropped.seen == (40, 0, 80, 40) and "did not see" in cropped.warnings[-1]


def test_words_the_model_does_not_know_are_warned_of(model: LoadedModel) -> None:
    found = ground(model, _image(3), "the zebra", heads=[(3, 0)])
    assert any("zebra" in warning for warning in found.warnings)


def test_a_phrase_longer_than_the_context_is_refused_in_grounding_and_skipped_in_discovery(
    model: LoadedModel,
) -> None:
    endless = "red " * 5000 + "circle"
    with pytest.raises(BadPhraseError, match="512"):
        ground(model, _image(3), endless, heads=[(3, 0)])
    image = _image(3)
    with pytest.warns(UserWarning, match="1 samples were skipped"):
        found = discover_heads(model, [(image, "a dog"), (image, endless)], FEW, progress=False)
    assert found.samples == 1 and found.skipped[0].startswith("row 1: ")


def test_heads_of_the_last_layer_can_be_read(model: LoadedModel) -> None:
    found = ground(model, _image(3), "a dog", heads=[Head(5, 7)])
    assert found.details["heads"] == ["L5H7"]
