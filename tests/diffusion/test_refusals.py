"""What cannot be read is refused in one sentence, and never a map of zeros."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import vlmscope as vs
from pipelines import diffusion_pipeline
from vlmscope.errors import (
    AttentionError,
    BadOptionError,
    MissingExtraError,
    ModelLoadError,
    UnsupportedError,
)

PROMPT = "a red circle"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return diffusion_pipeline()


def trace(pipeline: Any, prompt: Any = PROMPT, **options: Any) -> Any:
    with vs.trace_words(pipeline, prompt, **options) as found:
        return found


@pytest.mark.parametrize(
    "thing, said",
    [
        (SimpleNamespace(transformer=nn.Linear(1, 1)), "comes? from a transformer"),
        (SimpleNamespace(), "it has no part `unet`"),
        ("stable-diffusion", "str has none"),
        (SimpleNamespace(unet=nn.Linear(1, 1)), "has no tokenizer"),
    ],
)
def test_what_is_no_pipeline_with_a_unet(thing: Any, said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        trace(thing)


def test_a_unet_that_reads_no_prompt(pipeline: Any) -> None:
    without = SimpleNamespace(unet=nn.Sequential(nn.Linear(1, 1)), tokenizer=pipeline.tokenizer)
    with pytest.raises(UnsupportedError, match="by cross-attention nowhere"):
        trace(without)


def test_a_unet_that_reads_it_in_the_middle_alone() -> None:
    plain = diffusion_pipeline(
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2
    )
    with pytest.raises(UnsupportedError, match=r"only in its middle block.*middle=True"):
        trace(plain)
    assert len(vs.draw_words(plain, PROMPT, steps=1, middle=True, progress=False).layers) == 1


@pytest.mark.parametrize("prompt", ["", []])
def test_no_prompt(pipeline: Any, prompt: Any) -> None:
    with pytest.raises(BadOptionError, match="prompt"):
        trace(pipeline, prompt)


def test_nothing_drawn(pipeline: Any) -> None:
    with pytest.raises(AttentionError, match="Nothing was drawn inside the block"):
        trace(pipeline).maps([])


def test_pictures_that_were_not_drawn(pipeline: Any) -> None:
    with vs.trace_words(pipeline, PROMPT) as found:
        images = pipeline(PROMPT, num_inference_steps=1).images
    with pytest.raises(BadOptionError, match="1 pictures were drawn and 2 were given"):
        found.maps(images * 2)
    with pytest.raises(BadOptionError, match="output_type='pil'"):
        found.maps([np.zeros((4, 4))])


def test_another_number_of_prompts_than_was_named(pipeline: Any) -> None:
    with pytest.raises(UnsupportedError, match="2 pictures for 3 prompts and their negatives"):
        with vs.trace_words(pipeline, [PROMPT] * 3):
            pipeline(PROMPT, num_inference_steps=1)


def test_embeddings_of_another_length(pipeline: Any) -> None:
    with pytest.raises(UnsupportedError, match="reads 20 keys and the prompt has 16 tokens"):
        with vs.trace_words(pipeline, PROMPT):
            embeds = {
                name: torch.zeros(1, 20, 32) for name in ("prompt_embeds", "negative_prompt_embeds")
            }
            pipeline(num_inference_steps=1, **embeds)


def test_two_sizes(pipeline: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"16x16 and are 24x16 now"):
        with vs.trace_words(pipeline, PROMPT):
            pipeline(PROMPT, num_inference_steps=1)
            pipeline(PROMPT, num_inference_steps=1, height=48, width=32)


def test_layers_that_do_not_run() -> None:
    pipeline = diffusion_pipeline()
    block = pipeline.unet.down_blocks[0].attentions[0].transformer_blocks[0]
    block.attn2.forward = lambda hidden, **_: hidden  # its queries and keys are never computed
    with pytest.raises(UnsupportedError, match="queries and keys fused"):
        vs.draw_words(pipeline, PROMPT, steps=1, progress=False)
    block.forward = lambda hidden, **_: hidden
    with pytest.raises(AttentionError, match="5 of 6 cross-attention layers ran"):
        vs.draw_words(pipeline, PROMPT, steps=1, progress=False)


def test_guidance_of_another_kind(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "do_perturbed_attention_guidance", True, raising=False)
    with pytest.raises(UnsupportedError, match="pag_scale=0"):
        vs.draw_words(pipeline, PROMPT, steps=1, progress=False)


@pytest.mark.parametrize(
    "options, said", [({"steps": 0}, "at least 1 step"), ({"size": (0, 32)}, "in pixels")]
)
def test_numbers_out_of_range(pipeline: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptionError, match=said):
        vs.draw_words(pipeline, PROMPT, **options)


def test_without_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "diffusers":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"vlmscope\[diffusion\]"):
        vs.load_pipeline("somebody/pipeline")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    with pytest.raises(ModelLoadError, match=r"no model_index\.json"):
        vs.load_pipeline(str(tmp_path))


def test_weights_as_pickles_are_not_read(tmp_path: Path, pipeline: Any) -> None:
    pipeline.save_pretrained(tmp_path / "pickled", safe_serialization=False)
    with pytest.raises(ModelLoadError, match="safetensors"):
        vs.load_pipeline(str(tmp_path / "pickled"))
