"""Cohere's North vision models: Qwen3-VL's tower, a decoder with windows and a layer without positions."""

from __future__ import annotations

from typing import Any

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SPECIAL = ("<|VISION_START|>", "<|IMAGE_PAD|>", "<|VISION_END|>", "<|VIDEO_PAD|>")
TEMPLATE = (
    "{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|VISION_START|><|IMAGE_PAD|><|VISION_END|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
PATCH = 16


def config(words: Any) -> transformers.CohereCompassConfig:
    turned = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
    names = ("vision_start_token_id", "image_token_id", "vision_end_token_id", "video_token_id")
    return transformers.CohereCompassConfig(
        text_config=text_options(
            len(words),
            hidden_size=128,
            logit_scale=0.5,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters={"sliding_attention": turned, "full_attention": None},
        ),
        vision_config={
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 4,
            "out_hidden_size": 128,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        tie_word_embeddings=False,
        **dict(zip(names, words.convert_tokens_to_ids(list(SPECIAL)), strict=True)),
    )


def cohere_compass() -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL))
    model = transformers.CohereCompassForConditionalGeneration(config(words)).eval()
    side = (2 * PATCH) ** 2
    processor = processor_without_video(
        transformers.CohereCompassProcessor,
        image_processor=transformers.CohereCompassImageProcessorPil(
            patch_size=PATCH, size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-cohere-compass"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "attn.proj")


BUILDS = {"cohere-compass": Build(cohere_compass, quiet)}
