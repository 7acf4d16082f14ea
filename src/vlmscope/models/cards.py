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

_LLAMA2 = "Llama 2 Community License"

_HUB = (
    ModelCard("llava-hf/llava-1.5-7b-hf", "llava", "7B", _LLAMA2, notes="published heads"),
    ModelCard("llava-hf/llava-1.5-13b-hf", "llava", "13B", _LLAMA2, notes="published heads"),
    ModelCard("llava-hf/bakLlava-v1-hf", "llava", "7B", notes="Mistral decoder"),
    ModelCard("xtuner/llava-llama-3-8b-v1_1-transformers", "llava", "8B", notes="Llama 3 decoder"),
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
    ModelCard("google/siglip-base-patch16-224", "siglip", "203M", "Apache-2.0", side=448),
    ModelCard("google/siglip2-base-patch16-224", "siglip", "375M", "Apache-2.0", side=448),
    ModelCard("Salesforce/blip-itm-base-coco", "blip", "224M", "BSD-3-Clause", side=384),
    ModelCard("google/vit-base-patch16-224", "vit", "87M", "Apache-2.0", notes="phrases = labels"),
    ModelCard(
        "facebook/deit-tiny-patch16-224", "vit", "6M", "Apache-2.0", notes="phrases = labels"
    ),
)


def catalogue() -> tuple[ModelCard, ...]:
    """Cards of the embedded models and of well-known checkpoints, embedded first."""
    return (_TINY_LLAVA, _TINY_CLIP, *_HUB)


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
