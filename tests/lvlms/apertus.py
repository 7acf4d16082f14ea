"""Apertus 1.5: a small VQ-GAN of any resolution whose codes are rows of the input embeddings."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, special_tokenizer, text_options
from lvlms.codes import keep_to_cells
from vlmscope.models import LoadedModel

CODES, SOUNDS, CELL = 256, 16, 8
NAMED = {
    "image_token": "<|image|>",
    "audio_token": "<|audio|>",
    "boi_token": "<|img_start|>",
    "eoi_token": "<|img_end|>",
    "image_wrapper_token": "<|img_token_start|>",
    "eol_token": "<|img_end_of_row|>",
    "boa_token": "<|audio_start|>",
    "eoa_token": "<|audio_end|>",
}


def apertus() -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(NAMED.values()), NAMED)
    first = len(words)  # codes have no names, only rows behind those of the words
    config = transformers.Apertus1p5Config(
        text_config=text_options(first + CODES + SOUNDS, max_position_embeddings=16384),
        vision_config={
            "codebook_size": CODES,
            "embed_dim": 16,
            "latent_channels": 16,
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "attn_resolutions": [32],
        },
        audio_config={
            "model_type": "wavtokenizer_encoder",
            "num_filters": 4,
            "hidden_size": 16,
            "codebook_dim": 16,
            "codebook_size": SOUNDS,
            "num_lstm_layers": 1,
        },
        image_token_id=words.convert_tokens_to_ids("<|image|>"),
        audio_token_id=words.convert_tokens_to_ids("<|audio|>"),
        image_token_offset=first,
        audio_token_offset=first + CODES,
    )
    model = transformers.Apertus1p5ForConditionalGeneration(config).eval()
    processor = transformers.Apertus1p5Processor(
        image_processor=transformers.Apertus1p5ImageProcessor(
            size={"min_pixels": 32 * 32, "max_pixels": 64 * 64}, spatial_factor=CELL
        ),
        feature_extractor=transformers.WavTokenizerFeatureExtractor(),
        tokenizer=words,
        chat_template=chat_template("<|image|>"),
    )
    loaded = vs.from_pretrained_model(model, processor, name="random-apertus-1.5")
    for layer in loaded.layers:  # its norms take back what q_proj and k_proj are scaled by
        layer.self_attn.q_norm.weight.data *= 2.5
        layer.self_attn.k_norm.weight.data *= 2.5
    return sharpen(loaded)


def quiet(model: LoadedModel) -> None:
    keep_to_cells(model.hf.model.vision_tokenizer.encoder, "proj_out")


BUILDS = {
    "apertus-1.5": Build(
        apertus,
        quiet,
        torchvision=True,
        codes=lambda model: model.hf.model.vision_tokenizer.quantize,
    )
}
