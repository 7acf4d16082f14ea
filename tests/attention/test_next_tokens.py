"""The next token's logits of many prompts on one image are those of each prompt alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.attention import shared_prefix
from vlmscope.attention.next_tokens import next_token_logits
from vlmscope.errors import UnsupportedError

PROMPTS = [
    "is there the small red circle",
    "a man",
    "is there a large blue star on the left",
    "dog",
]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (33, 71, 3), dtype=np.uint8)


@pytest.mark.parametrize("preset", ["paper", "chat"])
@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_packed_prompts_have_the_logits_of_single_ones(
    kind: str, preset: str, image: np.ndarray
) -> None:
    model = llava(kind)
    found = next_token_logits(model, image, PROMPTS, preset=preset)
    alone = [vs.prefill(model, image, prompt, preset=preset).logits[0] for prompt in PROMPTS]
    torch.testing.assert_close(found, torch.stack(alone), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


def test_a_prefix_is_as_it_was_after(image: np.ndarray) -> None:
    model = llava("llama")
    prefix = shared_prefix(model, image)
    first = prefix.next_logits(PROMPTS)
    torch.testing.assert_close(prefix.next_logits(PROMPTS[1:2]), first[1:2], atol=1e-4, rtol=1e-4)


def test_the_image_is_run_once(image: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = llava("llama")
    runs: list[int] = []
    body = type(model.family).body

    def counted(self: object, hf: object, **inputs: torch.Tensor) -> None:
        runs.append(inputs["input_ids"].shape[1])
        body(self, hf, **inputs)

    monkeypatch.setattr(type(model.family), "body", counted)
    next_token_logits(model, image, PROMPTS * 40)  # more than one pack
    assert len(runs) == 1


def test_a_family_that_shares_nothing_runs_prompt_by_prompt(
    image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = llava("llama")
    shared = next_token_logits(model, image, PROMPTS)
    monkeypatch.setattr(type(model.family), "causal_image", False)
    with pytest.raises(UnsupportedError):
        shared_prefix(model, image)
    alone = next_token_logits(model, image, PROMPTS)
    torch.testing.assert_close(alone, shared, atol=1e-4, rtol=1e-4)
