"""VideoLLaMA 3 on pictures: one patch to a token as it is published, or four of them averaged."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, text_options
from lvlms.qwen_vl import PATCH, TEMPLATE, token_ids, tokenizer
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video


def video_llama3(merge: int = 1) -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    ids = token_ids(words)
    config = transformers.VideoLlama3Config(
        text_config=text_options(len(words), hidden_size=128, model_type="qwen2"),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "patch_size": PATCH,
        },
        image_token_id=ids["image_token_id"],
        video_token_id=ids["video_token_id"],
    )
    model = transformers.VideoLlama3ForConditionalGeneration(config).eval()
    side = (merge * PATCH) ** 2
    processor = processor_without_video(
        transformers.VideoLlama3Processor,
        image_processor=transformers.VideoLlama3ImageProcessorPil(
            patch_size=PATCH,
            merge_size=merge,
            size={"shortest_edge": 4 * side, "longest_edge": 96 * side},
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-video-llama-3-{merge}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.out_proj")


BUILDS = {
    "video-llama-3": Build(video_llama3, quiet),
    "video-llama-3-merged": Build(lambda: video_llama3(2), quiet),
}
