"""Thinkers of Qwen2.5-Omni (windows in its tower) and Qwen3-Omni (features for the first layers)."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, special_tokenizer
from lvlms.qwen_vl import SPECIAL, TEMPLATE, images, quiet, text
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SOUND = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
NAMES = ("vision_bos", "image", "vision_eos", "video")
HEARING = {
    "d_model": 32,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "output_dim": 128,
    "num_mel_bins": 16,
    "max_source_positions": 32,
}


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    named = {f"{name}_token": token for name, token in zip(NAMES, SPECIAL[:4], strict=True)}
    heard = ("audio_bos", "audio", "audio_eos")
    named |= {f"{name}_token": token for name, token in zip(heard, SOUND, strict=True)}
    return special_tokenizer([*SPECIAL, *SOUND], named, bos=False)


def token_ids(words: transformers.PreTrainedTokenizerFast, ending: str) -> dict[str, int]:
    found = dict(
        zip(("image", "video"), words.convert_tokens_to_ids(list(SPECIAL[1:4:2])), strict=True)
    )
    start, heard = words.convert_tokens_to_ids([SPECIAL[0], SOUND[1]])
    return {
        "vision_start_token_id": start,
        f"audio_{ending}": heard,
        **{f"{name}_{ending}": number for name, number in found.items()},
        **dict(
            zip(
                ("audio_start_token_id", "audio_end_token_id"),
                words.convert_tokens_to_ids([SOUND[0], SOUND[2]]),
                strict=True,
            )
        ),
    }


def finish(kind: str, config: object, patch: int, words: object) -> LoadedModel:
    model = getattr(transformers, f"{kind}ThinkerForConditionalGeneration")(config).eval()
    processor = processor_without_video(
        getattr(transformers, f"{kind}Processor"),
        image_processor=images(patch=patch),
        tokenizer=words,
        chat_template=TEMPLATE,
        feature_extractor=transformers.WhisperFeatureExtractor(feature_size=16),
    )
    loaded = vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}")
    if hasattr(loaded.layers[0].self_attn, "q_norm"):  # normed queries ignore the scale of q_proj
        for layer in loaded.layers:
            layer.self_attn.q_norm.weight.data *= 4
    return sharpen(loaded)


def qwen25_omni() -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "out_hidden_size": 128,
        "window_size": 84,  # 3x3 tokens
        "fullatt_block_indexes": [1],
    }
    config = transformers.Qwen2_5OmniThinkerConfig(
        text_config=text(len(words)),
        vision_config=vision,
        audio_config=HEARING,
        **token_ids(words, "token_index"),
    )
    return finish("Qwen2_5Omni", config, 14, words)


def qwen3_omni() -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "out_hidden_size": 128,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
    config = transformers.Qwen3OmniMoeThinkerConfig(
        text_config=text(len(words), head_dim=16, **experts),
        vision_config=vision,
        audio_config={**HEARING, "downsample_hidden_size": 16},
        **token_ids(words, "token_id"),
    )
    return finish("Qwen3OmniMoe", config, 16, words)


BUILDS = {
    "qwen2.5-omni-thinker": Build(qwen25_omni, quiet),
    "qwen3-omni-thinker": Build(qwen3_omni, quiet),
}
