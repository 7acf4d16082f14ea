"""What is known of particular checkpoints: for `vlmscope models`, and for their defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["LLAVA_SYSTEM", "ModelCard", "card_for", "catalogue", "read_card"]

# the fixed sentence with which LLaVA-1.5 was tuned and the paper's code prompts
LLAVA_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


@dataclass(frozen=True)
class ModelCard:
    """What is known of one checkpoint before it is loaded.

    Attributes:
        id: embedded or hub id.
        family: id of its family.
        size: parameters, as people say it.
        licence: of the weights.
        system: the system sentence of the ``paper`` preset; None: the family's.
        grounding: the model's own post-processing defaults, empty for the method's.
        heads: a head set that ships with the model, or None.
        side: of the images that a dual encoder is given by default, in pixels; None: its own.
        embedded: whether it comes with vlmscope.
        notes: one sentence.
        quantisation: of the weights that were loaded, as their configuration says; None: none.
    """

    id: str
    family: str
    size: str = "unknown"
    licence: str = "unknown"
    system: str | None = None
    grounding: dict[str, Any] = field(default_factory=dict)
    heads: Path | None = None
    side: int | None = None
    embedded: bool = False
    notes: str = ""
    quantisation: str | None = None


_TINY_LLAVA = ModelCard(
    id="tiny-llava",
    family="llava",
    size="3.8M",
    licence="Apache-2.0",
    embedded=True,
    notes="ships inside vlmscope; knows rendered shapes, not photographs",
)

_TINY_CLIP = ModelCard(
    id="tiny-clip",
    family="clip",
    size="1.5M",
    licence="Apache-2.0",
    embedded=True,
    notes="ships inside vlmscope; knows rendered shapes, not photographs",
)

_APACHE = "Apache-2.0"
_LLAMA2 = "Llama 2 Community License"
_LLAMA3 = "Llama 3 Community License"
_GEMMA = "Gemma Terms of Use"
_DEEPSEEK = "DeepSeek Model License"

# id, parameters, licence of the weights, notes; a port has the licence of what it was made from
_HUB: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "llava": (
        ("llava-hf/llava-1.5-7b-hf", "7B", _LLAMA2, "published heads"),
        ("llava-hf/llava-1.5-13b-hf", "13B", _LLAMA2, "published heads"),
        ("llava-hf/bakLlava-v1-hf", "7B", "unknown", "Mistral decoder"),
        ("xtuner/llava-llama-3-8b-v1_1-transformers", "8B", "unknown", "Llama 3 decoder"),
    ),
    "vipllava": (("llava-hf/vip-llava-7b-hf", "7B", _LLAMA2, "marks drawn into the image"),),
    "llava-next": (
        ("llava-hf/llava-v1.6-mistral-7b-hf", "7.6B", _APACHE, "Mistral decoder"),
        ("llava-hf/llava-v1.6-vicuna-7b-hf", "7B", _LLAMA2, ""),
        ("llava-hf/llava-v1.6-vicuna-13b-hf", "13B", _LLAMA2, ""),
        ("llava-hf/llama3-llava-next-8b-hf", "8B", _LLAMA3, "Llama 3 decoder"),
    ),
    "llava-onevision": (
        ("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "0.9B", _APACHE, ""),
        ("llava-hf/llava-onevision-qwen2-7b-ov-hf", "8B", _APACHE, ""),
    ),
    "qwen2-vl": (
        ("Qwen/Qwen2-VL-2B-Instruct", "2.2B", _APACHE, ""),
        ("Qwen/Qwen2-VL-7B-Instruct", "8.3B", _APACHE, ""),
    ),
    "qwen2.5-vl": (
        ("Qwen/Qwen2.5-VL-3B-Instruct", "3.8B", "Qwen Research License", "not for commercial use"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "8.3B", _APACHE, ""),
        ("Qwen/Qwen2.5-VL-32B-Instruct", "33B", _APACHE, ""),
    ),
    "qwen3-vl": (
        ("Qwen/Qwen3-VL-2B-Instruct", "2B", _APACHE, ""),
        ("Qwen/Qwen3-VL-4B-Instruct", "4B", _APACHE, ""),
        ("Qwen/Qwen3-VL-8B-Instruct", "9B", _APACHE, ""),
    ),
    "internvl": (
        ("OpenGVLab/InternVL3-1B-hf", "0.9B", "unknown", "only ids that end in -hf are read"),
        ("OpenGVLab/InternVL3-8B-hf", "8B", "unknown", "only ids that end in -hf are read"),
    ),
    "deepseek-vl": (("deepseek-community/deepseek-vl-1.3b-chat", "2B", _DEEPSEEK, ""),),
    "deepseek-vl-hybrid": (
        ("deepseek-community/deepseek-vl-7b-chat", "7B", _DEEPSEEK, "two vision towers"),
    ),
    "janus": (
        ("deepseek-community/Janus-Pro-1B", "2B", _DEEPSEEK, ""),
        ("deepseek-community/Janus-Pro-7B", "7B", _DEEPSEEK, ""),
    ),
    "smolvlm": (
        ("HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "256M", _APACHE, ""),
        ("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "507M", _APACHE, ""),
        ("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "2.2B", _APACHE, ""),
    ),
    "idefics3": (
        ("HuggingFaceM4/Idefics3-8B-Llama3", "8.5B", _APACHE, "Llama 3 decoder"),
        ("HuggingFaceTB/SmolVLM-256M-Instruct", "256M", _APACHE, ""),
        ("HuggingFaceTB/SmolVLM-Instruct", "2.2B", _APACHE, ""),
    ),
    "paligemma": (
        ("google/paligemma-3b-mix-224", "2.9B", _GEMMA, "gated"),
        ("google/paligemma2-3b-mix-448", "3B", _GEMMA, "gated"),
    ),
    "gemma3": (
        ("google/gemma-3-4b-it", "4.3B", _GEMMA, "gated"),
        ("google/gemma-3-12b-it", "12B", _GEMMA, "gated"),
    ),
    "glm-4v": (("zai-org/GLM-4.1V-9B-Thinking", "10B", "MIT", "thinks before it answers"),),
    "ovis2": (
        ("thisisiron/Ovis2-1B-hf", "1.3B", _APACHE, ""),
        ("thisisiron/Ovis2-2B-hf", "2.5B", _APACHE, ""),
    ),
    "mllama": (
        (
            "meta-llama/Llama-3.2-11B-Vision-Instruct",
            "11B",
            "Llama 3.2 Community License",
            "gated",
        ),
    ),
    "blip-2": (
        ("Salesforce/blip2-opt-2.7b", "3.7B", "MIT", ""),
        ("Salesforce/blip2-opt-6.7b", "7.8B", "MIT", ""),
    ),
    "instructblip": (("Salesforce/instructblip-vicuna-7b", "7.9B", "unknown", ""),),
}

_ENCODERS = (
    *(
        ModelCard(name, "clip", size, licence, side=448)
        for name, size, licence in (
            ("openai/clip-vit-base-patch16", "150M", "MIT"),
            ("openai/clip-vit-base-patch32", "151M", "MIT"),
            ("openai/clip-vit-large-patch14", "428M", "MIT"),
            ("laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "150M", "MIT"),
            ("facebook/metaclip-b16-400m", "150M", "CC-BY-NC-4.0"),
        )
    ),
    ModelCard("google/siglip-base-patch16-224", "siglip", "203M", _APACHE, side=448),
    ModelCard("google/siglip2-base-patch16-224", "siglip", "375M", _APACHE, side=448),
    ModelCard("google/siglip2-base-patch16-naflex", "siglip2", "375M", _APACHE, side=448),
    ModelCard("Salesforce/blip-itm-base-coco", "blip", "224M", "BSD-3-Clause", side=384),
    ModelCard("google/vit-base-patch16-224", "vit", "87M", _APACHE, notes="phrases = labels"),
    ModelCard("facebook/deit-tiny-patch16-224", "vit", "6M", _APACHE, notes="phrases = labels"),
)


def catalogue() -> tuple[ModelCard, ...]:
    """Cards of the embedded models and of well-known checkpoints, embedded first."""
    decoders = (
        ModelCard(name, family, size, licence, notes=notes)
        for family, cards in _HUB.items()
        for name, size, licence, notes in cards
    )
    return (_TINY_LLAVA, _TINY_CLIP, *decoders, *_ENCODERS)


def card_for(name: str, family: str) -> ModelCard:
    """The card of a known id; an unknown one gets its family's defaults."""
    known = {card.id: card for card in catalogue()}
    return known.get(name, ModelCard(name, family))


def read_card(folder: Path, card: ModelCard) -> ModelCard:
    """Complete a card from the ``vlmscope.json`` and ``heads.json`` beside a checkpoint, if any."""
    from dataclasses import replace

    heads = folder / "heads.json"
    card = replace(card, heads=heads if heads.is_file() else None)
    about = folder / "vlmscope.json"
    if not about.is_file():
        return card
    record = json.loads(about.read_text(encoding="utf-8"))
    return replace(
        card,
        system=record.get("system", card.system),
        grounding=record.get("grounding", card.grounding),
        side=record.get("side", card.side),
    )
