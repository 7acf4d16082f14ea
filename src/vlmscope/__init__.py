"""See where a vision-language model looks, prove whether that can be trusted, put it to work.

The public names below are imported on first use, so ``import vlmscope`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vlmscope.analysis.context import compress_context
    from vlmscope.analysis.flow import attention_flow
    from vlmscope.analysis.knockout import knockout_sweep
    from vlmscope.analysis.prompts import prompt_ablation
    from vlmscope.analysis.tokens import token_grounding
    from vlmscope.attention import capture, generate, knockout, prefill, token_map
    from vlmscope.evaluation import verify_heads
    from vlmscope.images import open_image
    from vlmscope.methods import compare_answer, compare_methods, discover_heads, ground, segment
    from vlmscope.models import from_pretrained_model, load
    from vlmscope.refine import Refiner, load_sam
    from vlmscope.types import Grounding, HeadSet, Segmentation, TokenMap

__all__ = [
    "Grounding",
    "HeadSet",
    "Refiner",
    "Segmentation",
    "TokenMap",
    "attention_flow",
    "capture",
    "compare_answer",
    "compare_methods",
    "compress_context",
    "discover_heads",
    "from_pretrained_model",
    "generate",
    "ground",
    "knockout",
    "knockout_sweep",
    "load",
    "load_sam",
    "open_image",
    "prefill",
    "prompt_ablation",
    "segment",
    "token_grounding",
    "token_map",
    "verify_heads",
]

_HOMES = {
    "Grounding": "types",
    "HeadSet": "types",
    "Refiner": "refine",
    "Segmentation": "types",
    "TokenMap": "types",
    "attention_flow": "analysis.flow",
    "capture": "attention",
    "compare_answer": "methods",
    "compare_methods": "methods",
    "compress_context": "analysis.context",
    "discover_heads": "methods",
    "from_pretrained_model": "models",
    "generate": "attention",
    "ground": "methods",
    "knockout": "attention",
    "knockout_sweep": "analysis.knockout",
    "load": "models",
    "load_sam": "refine",
    "open_image": "images",
    "prefill": "attention",
    "prompt_ablation": "analysis.prompts",
    "segment": "methods",
    "token_grounding": "analysis.tokens",
    "token_map": "attention",
    "verify_heads": "evaluation",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vlmscope.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vlmscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
