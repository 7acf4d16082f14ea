"""ViP-LLaVA: features of several layers side by side."""

from __future__ import annotations

import torch
import transformers

import families
import vlmscope as vs
from lvlms.build import Build, sharpen
from lvlms.llava import quiet
from lvlms.llava_next import vision
from vlmscope.models import LoadedModel


def vipllava(side: int = 56, patch: int = 14) -> LoadedModel:
    torch.manual_seed(0)
    words = families.tokenizer()
    config = transformers.VipLlavaConfig(
        text_config=families.text_config("llama-gqa"),
        vision_config=vision("clip", side, patch),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=[-2, -1, 1],
    )
    model = transformers.VipLlavaForConditionalGeneration(config).eval()
    processor = transformers.LlavaProcessor(
        image_processor=families.image_processor("crop", side),
        tokenizer=words,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=families.TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-vipllava"))


BUILDS = {"vipllava": Build(vipllava, quiet)}
