"""PaliGemma, and PaliGemma 2 with capped logits and sliding windows."""

from __future__ import annotations

import torch
from transformers import (
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessorPil,
)

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH = 70, 14
SECOND = {
    "attn_logit_softcapping": 2.0,
    "final_logit_softcapping": 5.0,
    "query_pre_attn_scalar": 8,
    "sliding_window": 16,
}


def paligemma(second: bool = False, tokens: int = (SIDE // PATCH) ** 2) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"], {"image_token": "<image>"}, bos=False)
    images = SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    images.image_seq_length = tokens
    processor = PaliGemmaProcessor(images, words)  # adds its location tokens to the tokenizer
    kind = "gemma2" if second else "gemma"
    more = {"model_type": kind, "head_dim": 8, **(SECOND if second else {})}
    config = PaliGemmaConfig(
        text_config=text_options(len(words), **more),
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
        projection_dim=64,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    model = PaliGemmaForConditionalGeneration(config).eval()
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-pali{kind}"), 15.0)


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "paligemma": Build(paligemma, quiet),
    "paligemma-2": Build(lambda: paligemma(second=True), quiet),
}
