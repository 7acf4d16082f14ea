"""Mllama with three self-attention layers and two that read the image."""

from __future__ import annotations

import numpy as np
import torch
from transformers import (
    MllamaConfig,
    MllamaForConditionalGeneration,
    MllamaImageProcessorPil,
    MllamaProcessor,
)
from transformers.models.mllama.configuration_mllama import MllamaTextConfig, MllamaVisionConfig

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH = 56, 14


def mllama(tiles: int = 4, side: int = SIDE) -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = special_tokenizer(["<|image|>"], bos=False)
    image = tokenizer.convert_tokens_to_ids("<|image|>")
    vision = MllamaVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_global_layers=1,
        attention_heads=4,
        vision_output_dim=32 * 3,
        image_size=SIDE,
        patch_size=PATCH,
        intermediate_layers_indices=[0, 1],
    )
    text = MllamaTextConfig(**text_options(len(tokenizer), layers=4), cross_attention_layers=[1, 3])
    config = MllamaConfig(
        vision_config=vision.to_dict(), text_config=text.to_dict(), image_token_index=image
    )
    model = MllamaForConditionalGeneration(config).eval()
    for number in text.cross_attention_layers:  # gates start shut
        layer = model.model.language_model.layers[number]
        layer.cross_attn_attn_gate.data.fill_(1.0)
        layer.cross_attn_mlp_gate.data.fill_(0.7)
        layer.cross_attn.q_norm.weight.data *= 3  # normed queries ignore the scale of q_proj
    torch.nn.init.normal_(model.model.vision_model.patch_embedding.weight, std=0.2)
    processor = MllamaProcessor(
        image_processor=MllamaImageProcessorPil(
            size={"height": side, "width": side}, max_image_tiles=tiles
        ),
        tokenizer=tokenizer,
        chat_template="<bos>" + chat_template("<|image|>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-mllama"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.o_proj")


def states(model: LoadedModel, image: np.ndarray) -> torch.Tensor:
    """What the cross-attention layers read: float (keys, hidden)."""
    inputs = model.encode([image], ["pizza"]).inputs
    names = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
    with torch.no_grad():
        seen = model.hf.model.vision_model(**{name: inputs[name] for name in names})
        read = model.hf.model.multi_modal_projector(seen.last_hidden_state)
    return read.reshape(-1, read.shape[-1])


BUILDS = {"mllama": Build(mllama, quiet, cross=states)}
