"""See where a vision-language model looks, prove whether that can be trusted, put it to work.

The public names below are imported on first use, so ``import vlmscope`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vlmscope.version import __version__ as __version__

if TYPE_CHECKING:
    from vlmscope.analysis.context import compress_context
    from vlmscope.analysis.endpoint import Endpoint, explain_endpoint
    from vlmscope.analysis.faithfulness import faithfulness
    from vlmscope.analysis.flow import attention_flow
    from vlmscope.analysis.hallucination import hallucination
    from vlmscope.analysis.knockout import knockout_sweep
    from vlmscope.analysis.lighten import lighten_sweep
    from vlmscope.analysis.prompts import prompt_ablation
    from vlmscope.analysis.steering import steer, steered_answer, steering_trial
    from vlmscope.analysis.tokens import token_grounding
    from vlmscope.attention import (
        capture,
        generate,
        knockout,
        lighten,
        prefill,
        rows_from_hidden_states,
        token_map,
    )
    from vlmscope.data.clips import open_clip
    from vlmscope.data.images import open_image
    from vlmscope.diffusion import draw_words, load_pipeline, trace_words
    from vlmscope.heads import discover_heads, verify_heads
    from vlmscope.labels.audit import audit_labels
    from vlmscope.labels.exports import export_labels
    from vlmscope.labels.folder import LabelFolder
    from vlmscope.labels.label import label
    from vlmscope.labels.stats import label_stats
    from vlmscope.methods import (
        Grounder,
        compare_answer,
        compare_methods,
        ground,
        ground_clip,
        ground_pictures,
        grounder,
        parts,
        segment,
    )
    from vlmscope.models import (
        PatchTower,
        from_pretrained_model,
        load,
        load_outline,
        load_tower,
        load_ts_cam,
        tower_from_pretrained,
        vision_tower,
    )
    from vlmscope.refine import Refiner, load_sam
    from vlmscope.results import (
        ClipGrounding,
        Grounding,
        PicturesGrounding,
        Segmentation,
        to_fiftyone,
        to_label_studio,
    )
    from vlmscope.types import HeadSet, Instance, TokenMap
    from vlmscope.viewer import View
    from vlmscope.viewer.widget import view

__all__ = [
    "ClipGrounding",
    "Endpoint",
    "Grounder",
    "Grounding",
    "HeadSet",
    "Instance",
    "LabelFolder",
    "PatchTower",
    "PicturesGrounding",
    "Refiner",
    "Segmentation",
    "TokenMap",
    "View",
    "attention_flow",
    "audit_labels",
    "capture",
    "compare_answer",
    "compare_methods",
    "compress_context",
    "discover_heads",
    "draw_words",
    "explain_endpoint",
    "export_labels",
    "faithfulness",
    "from_pretrained_model",
    "generate",
    "ground",
    "ground_clip",
    "ground_pictures",
    "grounder",
    "hallucination",
    "knockout",
    "knockout_sweep",
    "label",
    "label_stats",
    "lighten",
    "lighten_sweep",
    "load",
    "load_outline",
    "load_pipeline",
    "load_sam",
    "load_tower",
    "load_ts_cam",
    "open_clip",
    "open_image",
    "parts",
    "prefill",
    "prompt_ablation",
    "rows_from_hidden_states",
    "segment",
    "steer",
    "steered_answer",
    "steering_trial",
    "to_fiftyone",
    "to_label_studio",
    "token_grounding",
    "token_map",
    "tower_from_pretrained",
    "trace_words",
    "verify_heads",
    "view",
    "vision_tower",
]

_HOMES = {
    "Endpoint": "analysis.endpoint",
    "ClipGrounding": "results",
    "Grounder": "methods",
    "Grounding": "results",
    "HeadSet": "types",
    "Instance": "types",
    "LabelFolder": "labels.folder",
    "PatchTower": "models",
    "PicturesGrounding": "results",
    "Refiner": "refine",
    "Segmentation": "results",
    "TokenMap": "types",
    "View": "viewer",
    "attention_flow": "analysis.flow",
    "audit_labels": "labels.audit",
    "capture": "attention",
    "compare_answer": "methods",
    "compare_methods": "methods",
    "compress_context": "analysis.context",
    "discover_heads": "heads",
    "draw_words": "diffusion",
    "explain_endpoint": "analysis.endpoint",
    "export_labels": "labels.exports",
    "faithfulness": "analysis.faithfulness",
    "from_pretrained_model": "models",
    "generate": "attention",
    "ground": "methods",
    "ground_clip": "methods",
    "ground_pictures": "methods",
    "grounder": "methods",
    "hallucination": "analysis.hallucination",
    "knockout": "attention",
    "knockout_sweep": "analysis.knockout",
    "label": "labels.label",
    "label_stats": "labels.stats",
    "lighten": "attention",
    "lighten_sweep": "analysis.lighten",
    "load": "models",
    "load_outline": "models",
    "load_pipeline": "diffusion",
    "load_sam": "refine",
    "load_tower": "models",
    "load_ts_cam": "models",
    "open_clip": "data.clips",
    "open_image": "data.images",
    "parts": "methods",
    "prefill": "attention",
    "prompt_ablation": "analysis.prompts",
    "rows_from_hidden_states": "attention",
    "segment": "methods",
    "steer": "analysis.steering",
    "steered_answer": "analysis.steering",
    "steering_trial": "analysis.steering",
    "to_fiftyone": "results",
    "to_label_studio": "results",
    "token_grounding": "analysis.tokens",
    "token_map": "attention",
    "tower_from_pretrained": "models",
    "trace_words": "diffusion",
    "verify_heads": "heads",
    "view": "viewer.widget",
    "vision_tower": "models",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        # kept, so that it is looked up once
        return globals().setdefault(
            name, getattr(importlib.import_module(f"vlmscope.{_HOMES[name]}"), name)
        )
    raise AttributeError(f"module 'vlmscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
