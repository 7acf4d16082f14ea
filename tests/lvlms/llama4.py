"""Llama 4: long chunks with experts, and chunks shorter than the prompt."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH = 48, 4
SPECIAL = (
    "<|image|>",
    "<|image_start|>",
    "<|image_end|>",
    "<|patch|>",
    "<|tile_x_separator|>",
    "<|tile_y_separator|>",
)


def llama4(chunk: int = 4096, most: int = 6, experts: bool = True) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    text = text_options(
        len(words),
        head_dim=8,
        intermediate_size_mlp=96,
        num_local_experts=3,
        moe_layers=[1] if experts else [],
        no_rope_layers=[1, 0, 1],
        attention_chunk_size=chunk,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    config = transformers.Llama4Config(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 128,  # of the projector, too: four patches side by side
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": SIDE,
            "patch_size": PATCH,
            "projector_input_dim": 32,
            "projector_output_dim": 32,
            "vision_output_dim": 32,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        },
        image_token_index=words.convert_tokens_to_ids("<|patch|>"),
        boi_token_index=words.convert_tokens_to_ids("<|image_start|>"),
        eoi_token_index=words.convert_tokens_to_ids("<|image_end|>"),
    )
    model = transformers.Llama4ForConditionalGeneration(config).eval()
    processor = transformers.Llama4Processor(
        transformers.Llama4ImageProcessor(size={"height": SIDE, "width": SIDE}, max_patches=most),
        words,
        patch_size=PATCH,
        chat_template="<bos>" + chat_template("<|image|>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-llama4"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.vision_model, "self_attn.o_proj")


BUILDS = {
    "llama4": Build(llama4, quiet, torchvision=True),
    "llama4-chunks": Build(lambda: llama4(64, 2, experts=False), quiet, torchvision=True),
    "llama4-one-tile": Build(lambda: llama4(most=1), quiet, torchvision=True),
}
