"""Unlimited-OCR: tiles, a padded page, and a decoder of experts with a window on its answer."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

PATCH = 4


def unlimited_config(vocabulary: int, window: int = 128) -> transformers.UnlimitedOcrConfig:
    text = text_options(
        vocabulary,
        num_key_value_heads=8,
        mlp_layer_types=["dense", "sparse", "sparse"],
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_shared_experts=1,
        moe_intermediate_size=48,
        sliding_window=window,
    )
    sam = {
        "hidden_size": 16,
        "output_channels": 16,
        "mlp_dim": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": PATCH,
        "window_size": 5,
        "global_attn_indexes": [],
        "downsample_channels": [16, 32],
        "initializer_range": 0.02,
    }
    encoder = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "image_size": 56,
        "patch_size": 14,
    }
    return transformers.UnlimitedOcrConfig(
        text_config=text,
        vision_config={"sam_config": sam, "encoder_config": encoder},
        tie_word_embeddings=False,
    )


def unlimited_ocr(**images: object) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"], {"image_token": "<image>"})
    config = unlimited_config(len(words))
    config.image_token_id = words.convert_tokens_to_ids("<image>")
    model = transformers.UnlimitedOcrForConditionalGeneration(config).eval()
    settings = {"size": {"height": 64, "width": 64}, "tile_size": 48, "max_patches": 4, **images}
    processor = transformers.UnlimitedOcrProcessor(
        transformers.UnlimitedOcrImageProcessor(**settings),
        words,
        chat_template=chat_template("<image>\n"),
        patch_size=PATCH,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-unlimited-ocr"))


def quiet(model: LoadedModel) -> None:
    """Convolutions too: only what lies under a token's own cell is left of them."""
    tower = model.hf.model.vision_tower
    silence(tower.sam_encoder, "attn.proj")
    silence(tower.vision_encoder, "self_attn.out_proj")
    middle = tower.sam_encoder.neck.conv2
    centre = middle.weight.data[:, :, 1, 1].clone()
    middle.weight.data.zero_()[:, :, 1, 1] = centre
    for strided in (tower.sam_encoder.proj.conv1, tower.sam_encoder.proj.conv2):
        strided.weight.data[:, :, 0, :] = 0
        strided.weight.data[:, :, :, 0] = 0


BUILDS = {
    "unlimited-ocr": Build(unlimited_ocr, quiet, torchvision=True),
    "unlimited-ocr-page": Build(
        lambda: unlimited_ocr(crop_to_patches=False), quiet, torchvision=True
    ),
}
