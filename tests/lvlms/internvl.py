"""InternVL: tiles and a thumbnail, one tile alone, and tiles that are no whole tokens; Qianfan-OCR."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

NAMED = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}


def internvl(
    kind: str = "InternVL",
    side: int = 56,
    patch: int = 7,
    factor: int = 2,
    most: int = 6,
    text: str = "qwen2",
    image: str = "<IMG_CONTEXT>",
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(NAMED.values()), NAMED, bos=False)
    tokens = (side // patch // factor) ** 2
    config = getattr(transformers, f"{kind}Config")(
        text_config=text_options(len(words), model_type=text),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": [side, side],
            "patch_size": [patch, patch],
        },
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=tokens,
        downsample_ratio=1 / factor,
        tie_word_embeddings=False,
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    processor = processor_without_video(
        getattr(transformers, f"{kind}Processor"),
        image_processor=transformers.GotOcr2ImageProcessorPil(
            size={"height": side, "width": side}, max_patches=most
        ),
        tokenizer=words,
        image_seq_length=tokens,
        chat_template=chat_template(f"{image}\n", "<video>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attention.projection_layer")


BUILDS = {
    "internvl": Build(internvl, quiet),
    "internvl-one-tile": Build(lambda: internvl(most=1), quiet),
    "qianfan-ocr": Build(lambda: internvl("QianfanOCR", text="qwen3", image="<image>"), quiet),
    "internvl-gaps": Build(lambda: internvl(side=60, patch=14, most=4), quiet),
}
