"""Qwen3.5, dense and with experts, and Qwen4-Exp: rows in some layers, gated delta rules in the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, byte_tokenizer, sharpen, text_options
from lvlms.qwen_vl import SPECIAL, TEMPLATE, images, quiet, token_ids
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

LINEAR, FULL = "linear_attention", "full_attention"
# a state in front of, between and behind layers with rows
MIXED = (LINEAR, FULL, FULL, LINEAR)
VISION = {
    "depth": 2,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 4,
    "out_hidden_size": 128,
    "num_position_embeddings": 64,
}
EXPERTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 48,
    "shared_expert_intermediate_size": 48,
}


def delta_rule() -> dict[str, int]:
    """Sizes of the layers without rows."""
    return {
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
    }


def text(vocabulary: int, kinds: Sequence[str], **more: object) -> dict:
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [2, 1, 1],
        "partial_rotary_factor": 0.5,
    }
    settings = {"rope_parameters": rope, "layer_types": list(kinds), "head_dim": 16, **delta_rule()}
    return text_options(vocabulary, layers=len(kinds), hidden_size=128, **settings, **more)


def finish(kind: str, config: object, words: object) -> LoadedModel:
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    processor = processor_without_video(
        transformers.Qwen3VLProcessor,
        image_processor=images(patch=16),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpened(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def qwen35(kinds: Sequence[str] = MIXED, experts: bool = False) -> LoadedModel:
    torch.manual_seed(0)
    words = byte_tokenizer(transformers.Qwen3_5Tokenizer, list(SPECIAL))
    kind = "Qwen3_5Moe" if experts else "Qwen3_5"
    config = getattr(transformers, f"{kind}Config")(
        text_config=text(len(words), kinds, **(EXPERTS if experts else {})),
        vision_config=VISION,
        **token_ids(words),
    )
    return finish(kind, config, words)


def qwen4_exp(kinds: Sequence[str] = MIXED, budget: int = 1024) -> LoadedModel:
    """With a small ``budget`` rows read few keys: those of the blocks that the indexer picks."""
    torch.manual_seed(0)
    words = byte_tokenizer(transformers.Qwen3_5Tokenizer, list(SPECIAL))
    picking = {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": budget,
        "indexer_compress_ratio": 4,
    }
    streams = {"hc_count": 2, "hc_lowrank": 8}
    predecessors = {
        "ple_layer_ids": [1],
        "ple_embed_dim": 32,
        "heads_per_ngram": 2,
        "ngram_vocab_size_base": 50,
        "make_ngram_vocab_size_divisible_by": 8,
        "split_ngram_parts": 1,
    }
    config = transformers.Qwen4ExpConfig(
        text_config=text(len(words), kinds, **EXPERTS, **picking, **streams, **predecessors),
        vision_config=VISION,
        **token_ids(words),
    )
    return finish("Qwen4Exp", config, words)


def sharpened(model: LoadedModel) -> LoadedModel:
    """Clear peaks, and a state that forgets slowly enough to carry the image to the text."""
    for number in range(len(model.layers)):
        layer = model.layers[number]
        if number in model.row_layers:
            layer.self_attn.q_norm.weight.data += 3  # the norm multiplies by one more than this
        else:
            layer.linear_attn.A_log.data.fill_(-3.0)
            if getattr(layer, "ple", None) is not None:  # a convolution of zeros at first
                layer.ple.conv1d.weight.data.normal_()
    return sharpen(model)


BUILDS = {
    "qwen3.5": Build(qwen35, quiet),
    "qwen3.5-moe": Build(lambda: qwen35(experts=True), quiet),
    "qwen4-exp": Build(qwen4_exp, quiet),
}
