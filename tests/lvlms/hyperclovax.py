"""HyperCLOVA X SEED: the tower of Qwen2.5-VL, a decoder whose positions count one by one."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, byte_tokenizer, sharpen, silence, text_options
from lvlms.qwen_vl import SPECIAL, TEMPLATE, images
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video


def hyperclovax() -> LoadedModel:
    torch.manual_seed(0)
    words = byte_tokenizer(transformers.GPT2Tokenizer, list(SPECIAL))
    vision = {
        "model_type": "qwen2_5_vl",
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "out_hidden_size": 96,
        "window_size": 84,  # 3x3 tokens
        "fullatt_block_indexes": [1],
    }
    text = text_options(
        len(words), logits_scaling=0.5, embedding_multiplier=2.0, attention_multiplier=0.3
    )
    image, video = words.convert_tokens_to_ids([SPECIAL[1], SPECIAL[3]])
    config = transformers.HyperCLOVAXVisionV2Config(
        text_config={"model_type": "hyperclovax", **text},
        vision_config=vision,
        image_token_id=image,
        video_token_id=video,
        tie_word_embeddings=False,
    )
    model = transformers.HyperCLOVAXVisionV2ForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.HyperCLOVAXVisionV2Processor,
        image_processor=images(most=200),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-hyperclovax"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "attn.proj")


BUILDS = {"hyperclovax": Build(hyperclovax, quiet)}
