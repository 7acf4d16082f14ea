"""Pixtral towers: inside LLaVA, Mistral 3 with two decoders, LightOnOCR."""

from __future__ import annotations

from typing import Any

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.pillow_classes import processor_class

BREAKS = {
    "image_token": "[IMG]",
    "image_break_token": "[IMG_BREAK]",
    "image_end_token": "[IMG_END]",
}


def tower(patch: int) -> dict[str, Any]:
    return {
        "model_type": "pixtral",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 84,
        "patch_size": patch,
    }


def built(
    model: Any,
    words: Any,
    patch: int,
    merge: int,
    multiple: int = 0,
    kind: str = "PixtralProcessor",
) -> LoadedModel:
    """A model with the processor that belongs to it; ``multiple``: that sides are stretched to."""
    sides = {"height": multiple or patch, "width": multiple or patch}
    whole = processor_class(kind)(
        image_processor=transformers.PixtralImageProcessorPil(
            size={"longest_edge": 84}, patch_size=sides
        ),
        tokenizer=words,
        patch_size=patch,
        spatial_merge_size=merge,
        chat_template=chat_template("[IMG]"),
    )
    return sharpened(
        vs.from_pretrained_model(model.eval(), whole, name=f"random-{model.config.model_type}")
    )


def sharpened(model: LoadedModel) -> LoadedModel:
    """As :func:`sharpen` does it; latent keys have no projection of their own, so queries alone."""
    for layer in model.layers:
        attention = layer.self_attn
        if hasattr(attention, "k_proj"):
            return sharpen(model)
        queries = getattr(attention, "q_b_proj", None) or attention.q_proj
        queries.weight.data *= 30.0
    return model


# the decoder of Mistral Small 4: latent keys, experts
LATENT = {
    "head_dim": 16,
    "q_lora_rank": 24,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 12,
    "num_key_value_heads": 8,
    "moe_intermediate_size": 24,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}


def mistral3(
    text: str = "mistral", patch: int = 4, merge: int = 2, **decoder: object
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(BREAKS.values()), BREAKS)
    config = transformers.Mistral3Config(
        text_config=text_options(len(words), **{"model_type": text, "head_dim": 8, **decoder}),
        vision_config=tower(patch),
        image_token_index=words.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=merge,
        tie_word_embeddings=False,
    )
    model = transformers.Mistral3ForConditionalGeneration(config)
    return built(model, words, patch, merge)


def mistral_large4(patch: int = 4, merge: int = 2, **decoder: object) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(BREAKS.values()), BREAKS)
    latent = {
        name: value for name, value in LATENT.items() if name not in ("q_lora_rank", "head_dim")
    }
    indexer = {"index_topk": 512, "index_head_dim": 16, "index_n_heads": 2}
    layers = {"no_rope_layers": [1, 0, 1], "kv_source_layers": [0, 1, 0]}
    config = transformers.MistralLarge4Config(
        text_config=text_options(
            len(words),
            **{"model_type": "mistral_large4_text", **latent, **indexer, **layers, **decoder},
        ),
        vision_config=tower(patch),
        image_token_index=words.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=merge,
    )
    model = transformers.MistralLarge4ForConditionalGeneration(config)
    return built(model, words, patch, merge)


def pixtral(patch: int = 14) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(BREAKS.values()), BREAKS)
    config = transformers.LlavaConfig(
        text_config=text_options(len(words), model_type="mistral"),
        vision_config=tower(patch),
        image_token_index=words.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    model = transformers.LlavaForConditionalGeneration(config)
    return built(model, words, patch, 1)


def lighton_ocr(patch: int = 5, merge: int = 2, multiple: int = 0) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(BREAKS.values()), BREAKS, bos=False)
    config = transformers.LightOnOcrConfig(
        text_config=text_options(len(words), model_type="qwen3", head_dim=8),
        vision_config=tower(patch),
        image_token_id=words.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=merge,
        tie_word_embeddings=False,
    )
    model = transformers.LightOnOcrForConditionalGeneration(config)
    return built(model, words, patch, merge, multiple or patch * merge, "LightOnOcrProcessor")


def quiet(model: LoadedModel) -> None:
    inner = model.hf.model
    silence(getattr(inner, "vision_tower", None) or inner.vision_encoder, "attention.o_proj")


BUILDS = {
    "mistral3": Build(mistral3, quiet),
    "mistral3-ministral": Build(lambda: mistral3("ministral3", patch=3, merge=3), quiet),
    "mistral3-latent": Build(lambda: mistral3("mistral4", **LATENT), quiet),
    "mistral-large-4": Build(mistral_large4, quiet),
    "pixtral": Build(pixtral, quiet),
    "lighton-ocr": Build(lighton_ocr, quiet),
    "lighton-ocr-gaps": Build(lambda: lighton_ocr(multiple=5), quiet),
}
