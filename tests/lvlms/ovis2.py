"""Ovis2: tiles behind a thumbnail, no tiles, and tiles that are no whole patches."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

INDICATORS = ("<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>")


def ovis2(
    side: int = 56, patch: int = 7, stride: int = 2, tiles: bool = True, **images: object
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>", "<IMG_ATOM>", *INDICATORS], bos=False)
    text = text_options(len(words), model_type="qwen2")
    config = transformers.Ovis2Config(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": side,
            "patch_size": patch,
            "hidden_stride": stride,
            "vocab_size": 48,
            "num_visual_indicator_tokens": len(INDICATORS),
        },
        image_token_id=words.convert_tokens_to_ids("<IMG_ATOM>"),
        visual_indicator_token_ids=words.convert_tokens_to_ids(list(INDICATORS)),
        hidden_size=text["hidden_size"],
        vocab_size=len(words),
        tie_word_embeddings=False,
    )
    model = transformers.Ovis2ForConditionalGeneration(config).eval()
    # visual words that differ, so that a change of the picture changes what the decoder receives
    model.model.visual_embeddings_table.weight.data.normal_(generator=torch.manual_seed(1))
    processor = transformers.Ovis2Processor(
        image_processor=transformers.Ovis2ImageProcessorPil(
            size={"height": side, "width": side}, crop_to_patches=tiles, max_patches=6, **images
        ),
        tokenizer=words,
        image_seq_length=(side // patch // stride) ** 2,
        chat_template=chat_template("<image>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-ovis2"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attention.out_proj")


BUILDS = {
    "ovis2": Build(ovis2, quiet),
    "ovis2-whole": Build(lambda: ovis2(tiles=False), quiet),
    "ovis2-gaps": Build(lambda: ovis2(side=60, stride=4, use_covering_area_grid=False), quiet),
}
