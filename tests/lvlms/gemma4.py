"""Gemma 4: one like its large models (images read both ways, windows), one like its small ones."""

from __future__ import annotations

import torch
from transformers import (
    Gemma4AudioFeatureExtractor,
    Gemma4Config,
    Gemma4ForConditionalGeneration,
    Gemma4ImageProcessorPil,
    Gemma4Processor,
)

import vlmscope as vs
from lvlms.build import Build, chat_template, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH, FACTOR = 4, 3
NAMED = {
    "image_token": "<|image|>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "audio_token": "<|audio|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
}
SPECIAL = [*NAMED.values(), "<|video|>"]
SMALL = {"num_kv_shared_layers": 2, "hidden_size_per_layer_input": 8}
LARGE = {
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 0,
    "use_bidirectional_attention": "vision",
    "attention_k_eq_v": True,
    "num_global_key_value_heads": 1,
    "final_logit_softcapping": 30.0,
}


def gemma4(window: int = 512, kind: dict | None = None) -> LoadedModel:
    torch.manual_seed(0)
    kind = LARGE if kind is None else kind
    words = special_tokenizer(SPECIAL, NAMED, bos=False)
    kinds = ["sliding_attention", "full_attention"]
    text = text_options(
        len(words),
        layers=2 * (1 + len(kind) % 2) if kind is SMALL else 3,
        head_dim=8,
        global_head_dim=16,
        sliding_window=window,
        vocab_size_per_layer_input=len(words),
        layer_types=[*kinds, *kinds] if kind is SMALL else ["sliding_attention", *kinds],
        **kind,
    )
    text["num_hidden_layers"] = len(text["layer_types"])
    ids = {
        f"{name}_id": words.convert_tokens_to_ids(token)
        for name, token in NAMED.items()
        if name != "eoa_token"
    }
    config = Gemma4Config(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 8,
            "patch_size": PATCH,
            "pooling_kernel_size": FACTOR,
            "position_embedding_size": 256,
            "standardize": kind is LARGE,
        },
        eoa_token_index=words.convert_tokens_to_ids(NAMED["eoa_token"]),
        video_token_id=words.convert_tokens_to_ids("<|video|>"),
        **ids,
    )
    model = Gemma4ForConditionalGeneration(config).eval()
    tower = model.model.vision_tower
    torch.nn.init.normal_(tower.patch_embedder.position_embedding_table, std=0.2)
    if kind is LARGE:
        torch.nn.init.normal_(tower.std_bias, std=0.2)
        torch.nn.init.ones_(tower.std_scale)
    processor = processor_without_video(
        Gemma4Processor,
        image_processor=Gemma4ImageProcessorPil(
            patch_size=PATCH, pooling_kernel_size=FACTOR, max_soft_tokens=70
        ),
        tokenizer=words,
        feature_extractor=Gemma4AudioFeatureExtractor(),
        chat_template="<bos>" + chat_template("<|image|>"),
    )
    return vs.from_pretrained_model(model, processor, name="random-gemma4")


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.o_proj.linear")


BUILDS = {
    "gemma4": Build(gemma4, quiet),
    "gemma4-window": Build(lambda: gemma4(window=24), quiet),
    "gemma4-small": Build(lambda: gemma4(kind=SMALL), quiet),
}
