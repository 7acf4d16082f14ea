"""Video-LLaVA: one square of a CLIP tower beside a tower for clips."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from lvlms.llava_next import vision
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video


def video_llava(side: int = 56, patch: int = 14) -> LoadedModel:
    torch.manual_seed(0)
    named = {"image_token": "<image>", "video_token": "<video>"}
    words = special_tokenizer(list(named.values()), named)
    config = transformers.VideoLlavaConfig(
        text_config=text_options(len(words), model_type="llama"),
        vision_config=vision("clip", side, patch),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_seq_length=(side // patch) ** 2,
    )
    model = transformers.VideoLlavaForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.VideoLlavaProcessor,
        image_processor=transformers.VideoLlavaImageProcessor(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
        tokenizer=words,
        patch_size=patch,
        chat_template=chat_template("<image>\n", "<video>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-video-llava"))


def quiet(model: LoadedModel) -> None:
    for tower in (model.hf.model.image_tower, model.hf.model.video_tower):
        silence(tower, "self_attn.out_proj")


BUILDS = {"video-llava": Build(video_llava, quiet)}
