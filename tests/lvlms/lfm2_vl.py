"""LFM2-VL: tiles and a thumbnail of another shape, in front of convolutions and attention."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

PATCH = 4
SPECIAL = (
    "<image>",
    "<|image_start|>",
    "<|image_end|>",
    "<|img_thumbnail|>",
    *(f"<|img_row_{row}_col_{column}|>" for row in range(1, 5) for column in range(1, 5)),
)
# a state in front of, between and behind layers with rows
MIXED = ("conv", "full_attention", "full_attention", "conv")


def lfm2_vl(**images: object) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL))
    config = transformers.Lfm2VlConfig(
        text_config=text_options(
            len(words), layers=len(MIXED), model_type="lfm2", layer_types=list(MIXED)
        ),
        vision_config={
            "model_type": "siglip2_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "patch_size": PATCH,
            "num_patches": 64,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"),
        projector_hidden_size=48,
        tie_word_embeddings=False,
    )
    model = transformers.Lfm2VlForConditionalGeneration(config).eval()
    settings = {
        "encoder_patch_size": PATCH,
        "tile_size": 32,
        "min_image_tokens": 4,
        "max_image_tokens": 16,
        "max_tiles": 4,
        **images,
    }
    processor = transformers.Lfm2VlProcessor(
        transformers.Lfm2VlImageProcessor(**settings),
        words,
        chat_template="<bos>" + chat_template("<image>"),
    )
    loaded = vs.from_pretrained_model(model, processor, name="random-lfm2-vl")
    return strengthened(loaded)


def strengthened(model: LoadedModel) -> LoadedModel:
    """Clear peaks, and convolutions that carry what stands before a token."""
    for number, layer in enumerate(model.layers):
        if number in model.row_layers:  # normed queries ignore the scale of q_proj
            layer.self_attn.q_layernorm.weight.data *= 4
        else:
            layer.conv.in_proj.weight.data *= 4
    return sharpen(model)


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "lfm2-vl": Build(lfm2_vl, quiet, torchvision=True),
    "lfm2-vl-whole": Build(
        lambda: lfm2_vl(do_image_splitting=False, max_image_tokens=36), quiet, torchvision=True
    ),
}
