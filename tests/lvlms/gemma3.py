"""Gemma 3: wide windows, windows shorter than the prompt, crops of long images."""

from __future__ import annotations

import torch
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
)

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH, TOKENS = 96, 8, 16
SPECIAL = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}
CROPS = {
    "do_pan_and_scan": True,
    "pan_and_scan_min_crop_size": 30,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}


def gemma3(window: int = 64, crops: bool = False, tokens: int = TOKENS) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL.values()), SPECIAL, bos=False)
    text = text_options(
        len(words),
        head_dim=8,
        query_pre_attn_scalar=8,
        sliding_window=window,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    )
    config = Gemma3Config(
        text_config=text,
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": SIDE,
            "patch_size": PATCH,
            "vision_use_head": False,
        },
        mm_tokens_per_image=TOKENS,
        image_token_id=words.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_id=words.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_id=words.convert_tokens_to_ids("<end_of_image>"),
    )
    model = Gemma3ForConditionalGeneration(config).eval()
    # starts as zeros, which would make all image tokens equal
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.2)
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE}),
        words,
        chat_template="<bos>" + chat_template("<start_of_image>"),
        image_seq_length=tokens,
    )
    if crops:
        processor.images_kwargs = {**processor.images_kwargs, **CROPS}
    loaded = vs.from_pretrained_model(model, processor, name="random-gemma3")
    for (
        layer
    ) in loaded.layers:  # normed queries ignore the scale of q_proj; the norm's is 1 + weight
        layer.self_attn.q_norm.weight.data += 3
    return sharpen(loaded)


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "gemma3": Build(gemma3, quiet),
    "gemma3-window": Build(lambda: gemma3(window=24), quiet),
    "gemma3-crops": Build(lambda: gemma3(window=512, crops=True), quiet),
}
