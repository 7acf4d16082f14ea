"""Gemma 4: one like its large models (images read both ways, windows), one like its small ones.

The one without a vision tower is a class of its own.
"""

from __future__ import annotations

import torch
import transformers
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
KINDS = {"s": "sliding_attention", "f": "full_attention"}
SMALL = {"num_kv_shared_layers": 2, "hidden_size_per_layer_input": 8}
LARGE = {
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 0,
    "use_bidirectional_attention": "vision",
    "attention_k_eq_v": True,
    "num_global_key_value_heads": 1,
    "final_logit_softcapping": 30.0,
}


VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 8,
    "patch_size": PATCH,
    "pooling_kernel_size": FACTOR,
    "position_embedding_size": 256,
}
PROJECTED = {
    "patch_size": PATCH,
    "pooling_kernel_size": FACTOR,
    "mm_embed_dim": 32,
    "output_proj_dims": 32,
    "mm_posemb_size": 128,
}
SHARED = ("num_kv_shared_layers", "hidden_size_per_layer_input")


def unified(window: int = 512) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(SPECIAL, NAMED, bos=False)
    large = {name: value for name, value in LARGE.items() if name not in SHARED}
    text = text_options(
        len(words),
        head_dim=8,
        global_head_dim=16,
        sliding_window=window,
        layer_types=[KINDS[letter] for letter in "sff"],
        **large,
    )
    config = transformers.Gemma4UnifiedConfig(
        text_config=text, vision_config=PROJECTED, **token_ids(words)
    )
    model = transformers.Gemma4UnifiedForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.Gemma4UnifiedProcessor,
        image_processor=transformers.Gemma4UnifiedImageProcessor(
            patch_size=PATCH, pooling_kernel_size=FACTOR, max_soft_tokens=70
        ),
        tokenizer=words,
        feature_extractor=transformers.Gemma4UnifiedAudioFeatureExtractor(),
        chat_template="<bos>" + chat_template("<|image|>"),
    )
    return vs.from_pretrained_model(model, processor, name="random-gemma4-unified")


def token_ids(words: transformers.PreTrainedTokenizerFast) -> dict[str, int]:
    ids = {f"{name}_id": words.convert_tokens_to_ids(token) for name, token in NAMED.items()}
    ids["eoa_token_index"] = ids.pop("eoa_token_id")
    return {**ids, "video_token_id": words.convert_tokens_to_ids("<|video|>")}


def gemma4(window: int = 512, layers: str = "ssf", small: bool = False) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(SPECIAL, NAMED, bos=False)
    text = text_options(
        len(words),
        layers=len(layers),
        head_dim=8,
        global_head_dim=16,
        sliding_window=window,
        vocab_size_per_layer_input=len(words),
        layer_types=[KINDS[letter] for letter in layers],
        **(SMALL if small else LARGE),
    )
    config = Gemma4Config(
        text_config=text, vision_config={**VISION, "standardize": not small}, **token_ids(words)
    )
    model = Gemma4ForConditionalGeneration(config).eval()
    tower = model.model.vision_tower
    torch.nn.init.normal_(tower.patch_embedder.position_embedding_table, std=0.2)
    if not small:
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
    "gemma4-window": Build(lambda: gemma4(24, "sff"), quiet),
    "gemma4-small": Build(lambda: gemma4(layers="sfsf", small=True), quiet),
    # there is nothing that mixes tokens
    "gemma4-unified": Build(unified, lambda model: None, torchvision=True),
}
