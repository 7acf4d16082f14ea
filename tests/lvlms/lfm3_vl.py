"""LFM3-VL: convolutions, a window (one of them shorter than the image), and full attention."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, text_options
from lvlms.qwen_vl import TEMPLATE, images, token_ids, tokenizer
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH = 14
KINDS = ("conv", "sliding_attention", "full_attention", "conv")


def lfm3_vl(window: int = 256) -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    config = transformers.Lfm3VlConfig(
        text_config=text_options(
            len(words),
            layers=len(KINDS),
            model_type="lfm3",
            layer_types=list(KINDS),
            head_dim=8,
            sliding_window=window,
        ),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "layer_types": ["conv", "full_attention"],
            "patch_size": PATCH,
        },
        projector_hidden_size=48,
        tie_word_embeddings=False,
        **token_ids(words),
    )
    model = transformers.Lfm3VlForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.Lfm3VlProcessor,
        image_processor=images(patch=PATCH),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name="random-lfm3-vl")
    for number, layer in enumerate(loaded.layers):
        if number in loaded.row_layers:  # normed queries ignore the scale of q_proj
            layer.self_attn.q_norm.weight.data *= 4
        else:
            layer.conv.in_proj.weight.data *= 4
    return sharpen(loaded)


def quiet(model: LoadedModel) -> None:
    """The tower's convolutions too: they reach one patch beyond a token's own."""
    silence(model.hf.model.vision_tower, "out_proj")


BUILDS = {
    "lfm3-vl": Build(lfm3_vl, quiet),
    "lfm3-vl-window": Build(lambda: lfm3_vl(24), quiet),
}
