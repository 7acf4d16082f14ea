"""Cosmos3-Edge: SigLIP 2 patches at any resolution, one rotary position per axis."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, text_options
from lvlms.qwen_vl import TEMPLATE, token_ids, tokenizer
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH = 16


def cosmos3_edge() -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    vision = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_patches": 16,
        "patch_size": PATCH,
    }
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10000.0}
    config = transformers.Cosmos3EdgeConfig(
        text_config=text_options(len(words), hidden_size=128, head_dim=16, rope_parameters=rope),
        vision_config=vision,
        projector_hidden_size=64,
        **token_ids(words),
    )
    model = transformers.Cosmos3EdgeForConditionalGeneration(config).eval()
    side = (2 * PATCH) ** 2
    processor = processor_without_video(
        transformers.Cosmos3EdgeProcessor,
        image_processor=transformers.Cosmos3EdgeImageProcessorPil(
            size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-cosmos3-edge"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "self_attn.out_proj")


# its model wants to know which tokens are an image's, its processor says so when it is asked
BUILDS = {
    "cosmos3-edge": Build(cosmos3_edge, quiet, call={"return_mm_token_type_ids": True}),
}
