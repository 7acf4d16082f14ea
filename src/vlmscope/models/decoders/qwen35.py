"""Qwen3.5: Qwen-VL's images in front of a hybrid decoder.

Three of four layers are gated delta rules (a linear attention with a state of fixed size and a short
convolution), every fourth is full attention: its rows are the model's only ones.
"""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.decoders.qwen_vl import QwenVlFamily

__all__ = ["Qwen35Family"]


class Qwen35Family(HybridFamily, QwenVlFamily):
    """``Qwen3_5ForConditionalGeneration`` of transformers, and its mixture-of-experts twin."""

    id = "qwen3.5"
    model_types = ("qwen3_5", "qwen3_5_moe")
    checkpoints = (
        Checkpoint("Qwen/Qwen3.5-4B", "4B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen3.5-9B", "9B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen3.5-27B", "27B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen3.5-35B-A3B", "35B", "Apache-2.0"),
    )
    processor_class = "Qwen3VLProcessor"
    limits = (
        *hybrid_limits("gated delta rules (linear attention)"),
        "what a full-attention layer reads is scaled by an output gate afterwards, which rows do not show",
    )
