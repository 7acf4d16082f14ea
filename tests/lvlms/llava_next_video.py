"""LLaVA-NeXT-Video: LLaVA-NeXT's tiles, and clips of pooled frames."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, special_tokenizer, text_options
from lvlms.llava_next import SHAPES, quiet, vision
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video


def llava_next_video(side: int = 112, patch: int = 14) -> LoadedModel:
    torch.manual_seed(0)
    named = {"image_token": "<image>", "video_token": "<video>"}
    words = special_tokenizer(list(named.values()), named)
    pinpoints = [[rows * side, columns * side] for rows, columns in SHAPES]
    config = transformers.LlavaNextVideoConfig(
        text_config=text_options(len(words), model_type="llama"),
        vision_config=vision("clip", side, patch),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
    )
    model = transformers.LlavaNextVideoForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.LlavaNextVideoProcessor,
        image_processor=transformers.LlavaNextImageProcessorPil(
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_grid_pinpoints=pinpoints,
        ),
        tokenizer=words,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template("<image>\n", "<video>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-llava-next-video"))


BUILDS = {"llava-next-video": Build(llava_next_video, quiet)}
