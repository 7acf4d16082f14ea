"""Aya Vision and Command A Vision: tiles and a thumbnail, one tile alone, tiles that are no whole tokens."""

from __future__ import annotations

from typing import Any

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

AYA = ("<image>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>", "<|IMG_LINE_BREAK|>")
NAMED = {
    "boi_token": "<|START_OF_IMG|>",
    "eoi_token": "<|END_OF_IMG|>",
    "image_token": "<|IMG_PATCH|>",
    "img_line_break_token": "<|IMG_LINE_BREAK|>",
}


def parts(words: Any, side: int, patch: int) -> dict[str, Any]:
    return {
        "text_config": text_options(len(words), model_type="cohere2", sliding_window=4096),
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": side,
            "patch_size": patch,
            "vision_use_head": False,
        },
        "tie_word_embeddings": False,
        "image_token_id": words.convert_tokens_to_ids("<|IMG_PATCH|>"),
    }


def aya_vision(side: int = 56, patch: int = 7, factor: int = 2, most: int = 6) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(AYA))
    config = transformers.AyaVisionConfig(downsample_factor=factor, **parts(words, side, patch))
    model = transformers.AyaVisionForConditionalGeneration(config).eval()
    processor = transformers.AyaVisionProcessor(
        image_processor=transformers.GotOcr2ImageProcessorPil(
            size={"height": side, "width": side}, max_patches=most
        ),
        tokenizer=words,
        patch_size=patch * factor,
        img_size=side,
        chat_template=chat_template("<image>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-aya-vision"))


def cohere2_vision(side: int = 56, patch: int = 7, factor: int = 2, most: int = 6) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(NAMED.values()), NAMED)
    config = transformers.Cohere2VisionConfig(
        downsample_factor=factor, alignment_intermediate_size=64, **parts(words, side, patch)
    )
    model = transformers.Cohere2VisionForConditionalGeneration(config).eval()
    images = transformers.Cohere2VisionImageProcessor(
        size={"height": side, "width": side}, max_patches=most
    )
    images.patch_size = side // patch // factor  # tokens per side of a tile, by its processor
    processor = transformers.Cohere2VisionProcessor(
        image_processor=images, tokenizer=words, chat_template=chat_template("<|IMG_PATCH|>\n")
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-cohere2-vision"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "aya-vision": Build(aya_vision, quiet),
    "aya-vision-one-tile": Build(lambda: aya_vision(most=1), quiet),
    "aya-vision-gaps": Build(lambda: aya_vision(side=60, patch=14, most=4), quiet),
    "cohere2-vision": Build(cohere2_vision, quiet, torchvision=True),
}
