"""Janus, with and without the system sentence that its processor can put in front."""

from __future__ import annotations

import torch
from transformers import (
    JanusConfig,
    JanusForConditionalGeneration,
    JanusImageProcessorPil,
    JanusProcessor,
)

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH = 56, 8
SPECIAL = {
    "image_token": "<image_placeholder>",
    "boi_token": "<begin_of_image>",
    "eoi_token": "<end_of_image>",
}


def janus(system: bool = False, tokens: int = (SIDE // PATCH) ** 2) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL.values()), SPECIAL)
    config = JanusConfig(
        text_config=text_options(len(words), model_type="llama"),
        vision_config={
            "hidden_size": 32,
            "mlp_ratio": 1.5,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": SIDE,
            "patch_size": PATCH,
            "projection_dim": 64,
            "num_image_tokens": (SIDE // PATCH) ** 2,
        },
        vq_config={
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "num_res_blocks": 1,
            "latent_channels": 32,
            "num_embeddings": 16,
            "projection_dim": 64,
            "image_token_embed_dim": 64,
        },
        image_token_id=words.convert_tokens_to_ids("<image_placeholder>"),
    )
    model = JanusForConditionalGeneration(config).eval()
    processor = JanusProcessor(
        JanusImageProcessorPil(size={"height": SIDE, "width": SIDE}, min_size=4),
        words,
        chat_template=chat_template("<image_placeholder>\n"),
        use_default_system_prompt=system,
        num_image_tokens=tokens,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-janus"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.projection_layer")


BUILDS = {
    "janus": Build(janus, quiet),
    "janus-system": Build(lambda: janus(system=True), quiet),
}
