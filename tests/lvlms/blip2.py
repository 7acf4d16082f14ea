"""BLIP-2 with OPT, InstructBLIP with Llama."""

from __future__ import annotations

import torch
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipImageProcessorPil,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    InstructBlipProcessor,
    LlamaConfig,
    OPTConfig,
)

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH, QUERIES = 56, 14, 6

VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": PATCH,
}


def qformer(vocabulary: int) -> dict[str, int]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "encoder_hidden_size": 32,
        "cross_attention_frequency": 2,
    }


def blip2(queries: int = QUERIES, side: int = SIDE) -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = special_tokenizer(["<image>"])
    options = text_options(len(tokenizer))
    text = OPTConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        ffn_dim=96,
        num_hidden_layers=3,
        num_attention_heads=8,
        max_position_embeddings=512,
        word_embed_proj_dim=64,
        pad_token_id=0,
        bos_token_id=options["bos_token_id"],
        eos_token_id=options["eos_token_id"],
    )
    config = Blip2Config(
        vision_config=VISION,
        qformer_config=qformer(len(tokenizer)),
        text_config=text.to_dict(),
        num_query_tokens=QUERIES,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = Blip2ForConditionalGeneration(config).eval()
    return finish(
        model, Blip2Processor(images(side), tokenizer, num_query_tokens=queries), "random-blip-2"
    )


def instructblip() -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = special_tokenizer(["<image>"])
    config = InstructBlipConfig(
        vision_config=VISION,
        qformer_config=qformer(len(tokenizer)),
        text_config=LlamaConfig(**text_options(len(tokenizer))).to_dict(),
        num_query_tokens=QUERIES,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = InstructBlipForConditionalGeneration(config).eval()
    processor = InstructBlipProcessor(
        images(SIDE), tokenizer, special_tokenizer([]), num_query_tokens=QUERIES
    )
    return finish(model, processor, "random-instructblip")


def images(side: int) -> BlipImageProcessorPil:
    return BlipImageProcessorPil(size={"height": side, "width": side})


def finish(model: torch.nn.Module, processor: object, name: str) -> LoadedModel:
    # query tokens start as zeros and patches as almost equal, which makes all maps flat
    torch.nn.init.normal_(model.query_tokens, std=1.0)
    for part in (model.vision_model, model.qformer):
        for parameter in part.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)
    for layer in model.qformer.encoder.layer:
        for attention in (layer.attention, getattr(layer, "crossattention", None)):
            if attention is not None:
                attention.attention.query.weight.data *= 2
                attention.attention.key.weight.data *= 2
    return sharpen(vs.from_pretrained_model(model, processor, name=name))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.vision_model, "self_attn.projection")


BUILDS = {
    "blip-2": Build(blip2, quiet, spatial=False, processor_call=False),
    "instructblip": Build(instructblip, quiet, spatial=False, processor_call=False),
}
