"""ERNIE 4.5 VL: experts for text and others for the image, the first layer without."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

TOKENS = {
    "image_start_token": "<|IMAGE_START|>",
    "image_token": "<|IMAGE_PLACEHOLDER|>",
    "image_end_token": "<|IMAGE_END|>",
    "video_start_token": "<|VIDEO_START|>",
    "video_token": "<|VIDEO_PLACEHOLDER|>",
    "video_end_token": "<|VIDEO_END|>",
}
TEMPLATE = (
    "<bos>{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>"
    "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
PATCH = 14


def ernie4_5_vl() -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(TOKENS.values()), named=TOKENS, bos=False)
    rope = {"rope_type": "default", "mrope_section": [3, 3, 2], "rope_theta": 10000.0}
    config = transformers.Ernie4_5_VLMoeConfig(
        text_config=text_options(
            len(words),
            hidden_size=128,
            rope_parameters=rope,
            moe_intermediate_size=[48, 32],
            moe_num_experts=4,
            moe_k=2,
            moe_num_shared_experts=1,
        ),
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 4,
            "patch_size": PATCH,
        },
        **{f"{name}_id": words.convert_tokens_to_ids(token) for name, token in TOKENS.items()},
    )
    model = transformers.Ernie4_5_VLMoeForConditionalGeneration(config).eval()
    side = (2 * PATCH) ** 2
    processor = processor_without_video(
        transformers.Ernie4_5_VLMoeProcessor,
        image_processor=transformers.Ernie4_5_VLMoeImageProcessorPil(
            patch_size=PATCH, size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-ernie-4.5-vl"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attn.proj")


BUILDS = {"ernie-4.5-vl": Build(ernie4_5_vl, quiet)}
