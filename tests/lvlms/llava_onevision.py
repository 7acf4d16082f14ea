"""LLaVA-OneVision: few tiles, tiles that are no whole patches, and so many that tokens are resampled."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, special_tokenizer, text_options
from lvlms.llava_next import quiet, vision
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

# a resampled token blends 2x2 neighbours that lie at most 1.5 apart from its edges, in tokens of which
# its own rectangle is at least 1.1 wide
BLEND = 1.5 / 1.1 - 0.5


def onevision(side: int = 56, patch: int = 14, largest: int = 3, most: int = 9) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(
        ["<image>", "<video>"], {"image_token": "<image>", "video_token": "<video>"}, bos=False
    )
    pinpoints = [
        [rows * side, columns * side]
        for rows in range(1, largest + 1)
        for columns in range(1, largest + 1)
    ]
    config = transformers.LlavaOnevisionConfig(
        text_config=text_options(len(words), model_type="qwen2"),
        vision_config={**vision("siglip", side, patch), "vision_use_head": False},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
        vision_aspect_ratio=f"anyres_max_{most}",
    )
    model = transformers.LlavaOnevisionForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.LlavaOnevisionProcessor,
        image_processor=transformers.LlavaOnevisionImageProcessorPil(
            size={"height": side, "width": side}, image_grid_pinpoints=pinpoints
        ),
        tokenizer=words,
        num_image_tokens=(side // patch) ** 2,
        vision_feature_select_strategy="full",
        vision_aspect_ratio=f"anyres_max_{most}",
        chat_template=chat_template("<image>", "<video>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-onevision"))


BUILDS = {
    "llava-onevision": Build(onevision, quiet),
    "llava-onevision-gaps": Build(lambda: onevision(side=45), quiet),
    "llava-onevision-resampled": Build(lambda: onevision(largest=4, most=4), quiet, slack=BLEND),
    "llava-onevision-resampled-gaps": Build(
        lambda: onevision(side=30, patch=7, largest=3, most=2), quiet, slack=BLEND
    ),
}
