"""Tiny random-weight models of every family, built offline: correctness needs no training."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

import vlmscope as vs
from vlmscope.models import LoadedModel

WORDS = [
    "a",
    "an",
    "the",
    "small",
    "large",
    "red",
    "green",
    "blue",
    "yellow",
    "circle",
    "square",
    "star",
    "cross",
    "on",
    "of",
    "in",
    "left",
    "right",
    "what",
    "colour",
    "is",
    "where",
    "it",
    "there",
    "pizza",
    "dog",
    "cat",
    "man",
    "woman",
    "dark",
    "light",
    "user",
    "assistant",
    "chat",
    "between",
    ":",
    ".",
    "?",
    ",",
]

TEMPLATE = (
    "{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}<image>\n"
    "{% else %}{{ c['text'] | trim }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """A word-level fast tokenizer with offsets, BOS and an image token."""
    special = ["<pad>", "<bos>", "<eos>", "<unk>", "<image>"]
    vocabulary = {word: index for index, word in enumerate([*special, *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )


def text_config(kind: str, layers: int = 4) -> LlamaConfig | MistralConfig | Qwen2Config:
    """A small decoder: ``llama`` (multi-head), ``llama-gqa``, ``mistral`` (sliding) or ``qwen2``."""
    common = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "vocab_size": 5 + len(WORDS),
        "max_position_embeddings": 512,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    if kind == "llama":
        return LlamaConfig(**common, num_key_value_heads=8)
    if kind == "llama-gqa":
        return LlamaConfig(**common, num_key_value_heads=2)
    if kind == "mistral":
        return MistralConfig(**common, num_key_value_heads=4, sliding_window=24)
    if kind == "qwen2":
        return Qwen2Config(**common, num_key_value_heads=2)
    raise ValueError(kind)


def image_processor(kind: str = "crop", side: int = 56) -> CLIPImageProcessorPil:
    """``crop``: shortest edge + centre crop, as LLaVA's checkpoints; ``squash``: SigLIP's."""
    if kind == "crop":
        return CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        )
    return SiglipImageProcessorPil(size={"height": side, "width": side})


def llava(
    text: str = "llama-gqa",
    *,
    vision: str = "clip",
    strategy: str | None = None,
    side: int = 56,
    patch: int = 14,
    layers: int = 4,
    kernel: str = "sdpa",
    seed: int = 0,
    sharpen: float = 6.0,
    processor: str = "crop",
) -> LoadedModel:
    """A random LLaVA whose attention rows have clear peaks (``sharpen`` scales q and k)."""
    torch.manual_seed(seed)
    vision_class = CLIPVisionConfig if vision == "clip" else SiglipVisionConfig
    tower = vision_class(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=side,
        patch_size=patch,
    )
    strategy = strategy or ("default" if vision == "clip" else "full")
    config = LlavaConfig(
        vision_config=tower,
        text_config=text_config(text, layers),
        image_token_index=4,
        vision_feature_layer=-2,
        vision_feature_select_strategy=strategy,
        image_seq_length=(side // patch) ** 2,
    )
    model = LlavaForConditionalGeneration(config).eval()
    for layer in model.model.language_model.layers:
        layer.self_attn.q_proj.weight.data *= sharpen
        layer.self_attn.k_proj.weight.data *= sharpen
    model.set_attn_implementation({"text_config": kernel})
    extra = int(vision == "clip")
    hf_processor = LlavaProcessor(
        image_processor=image_processor(processor, side),
        tokenizer=tokenizer(),
        patch_size=patch,
        vision_feature_select_strategy=strategy,
        num_additional_image_tokens=extra,
        chat_template=TEMPLATE,
    )
    return vs.from_pretrained_model(model, hf_processor, name=f"random-{text}")
