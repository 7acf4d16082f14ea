"""Granite-Docling, with both paths of its connector."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE = 64
SPECIAL = (
    "<fake_token_around_image>",
    "<image>",
    "<end_of_utterance>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)


def granite_docling(fine: bool = True, side: int = SIDE, **images: object) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    text = text_options(
        len(words),
        embedding_multiplier=3.0,
        logits_scaling=2.0,
        residual_multiplier=0.5,
        attention_multiplier=0.3,
    )
    config = transformers.GraniteDoclingConfig(
        text_config=text,
        vision_config={
            "hidden_size": 16,
            "out_hidden_size": text["hidden_size"],
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIDE,
            "patch_size": 4,
            "scale_factor": 4,
            "deepstack_visual_indexes": [0, 1],
            "use_fine_route": fine,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    model = transformers.GraniteDoclingForConditionalGeneration(config).eval()
    processor = transformers.GraniteDoclingProcessor(
        transformers.GraniteDoclingImageProcessorPil(
            size={"height": side, "width": side}, max_patches=4, **images
        ),
        words,
        image_seq_len=(SIDE // 4 // 4) ** 2,
        chat_template="<bos>" + chat_template("<image>") + "<end_of_utterance>\n",
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-granite-docling"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.out_proj")


BUILDS = {
    "granite-docling": Build(granite_docling, quiet),
    "granite-docling-whole": Build(lambda: granite_docling(crop_to_patches=False), quiet),
}
