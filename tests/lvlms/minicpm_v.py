"""MiniCPM-V 4.6 and 4.7, MiniCPM-OCR: slices behind the image, in front of a hybrid decoder."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, silence, special_tokenizer
from lvlms.qwen35 import MIXED, sharpened, text
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

NAMED = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}
PATCH = 4


def minicpm_v(
    kind: str = "MiniCPMV4_6",
    mode: str = "16x",
    fits: str = "MiniCPMV4_6ImageProcessorPil",
    **images: object,
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(NAMED.values()), NAMED, bos=False)
    ids = {name: words.convert_tokens_to_ids(token) for name, token in NAMED.items()}
    markers = {
        name.replace("_token", "_id"): ids[name]
        for name in ("image_start_token", "image_end_token", "slice_start_token", "slice_end_token")
    }
    more = (
        {**markers, "newline_id": words.convert_tokens_to_ids("\n")}
        if kind == "MiniCPMV4_7"
        else {}
    )
    config = getattr(transformers, f"{kind}Config")(
        text_config=text(len(words), MIXED),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": PATCH,
        },
        insert_layer_id=0,
        image_token_id=ids["image_token"],
        video_token_id=ids["video_token"],
        downsample_mode=mode,
        tie_word_embeddings=False,
        **more,
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    settings = {"scale_resolution": 64, "max_slice_nums": 4, **images}
    processor = processor_without_video(
        getattr(transformers, f"{kind}Processor"),
        image_processor=getattr(transformers, fits)(
            patch_size=PATCH, downsample_mode=mode, **settings
        ),
        tokenizer=words,
        chat_template=chat_template("<|image_pad|>\n"),
    )
    return sharpened(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "minicpm-v": Build(minicpm_v, quiet),
    "minicpm-v-whole": Build(lambda: minicpm_v(mode="4x", slice_mode=False), quiet),
    "minicpm-ocr": Build(
        lambda: minicpm_v("MiniCPMOcr", "4x", "MiniCPMOcrImageProcessor", max_slice_nums=2),
        quiet,
        torchvision=True,
    ),
    "minicpm-v-4.7": Build(lambda: minicpm_v("MiniCPMV4_7"), quiet),
}
