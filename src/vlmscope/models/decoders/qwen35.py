"""Qwen3.5 and Qwen4-Exp: Qwen-VL's images in front of a hybrid decoder.

Three of four layers are gated delta rules (a linear attention with a state of fixed size and a short
convolution), every fourth is full attention: its rows are the model's only ones. Qwen4-Exp
carries several residual streams side by side, adds embeddings of a token's predecessors, and in its
full-attention layers reads the keys alone that an indexer picks for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.decoders.qwen_clips import Qwen3Clips
from vlmscope.models.decoders.qwen_vl import QwenVlFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Qwen4ExpFamily", "Qwen35Family"]


class Qwen35Family(HybridFamily, QwenVlFamily):
    """``Qwen3_5ForConditionalGeneration`` of transformers, and its mixture-of-experts twin."""

    id = "qwen3.5"
    model_types = ("qwen3_5", "qwen3_5_moe")
    clips = Qwen3Clips()
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


class Qwen4ExpFamily(HybridFamily, QwenVlFamily):
    """``Qwen4ExpForConditionalGeneration`` of transformers."""

    id = "qwen4-exp"
    model_types = ("qwen4_exp",)
    checkpoints = (Checkpoint("Qwen/Qwen4-Exp", "unknown", "unknown"),)
    processor_class = "Qwen3VLProcessor"
    limits = (
        *Qwen35Family.limits,
        "a full-attention layer reads only the blocks of keys that an indexer picks for each row: rows are "
        "zero elsewhere, and a knock-out takes edges away from what was picked",
    )

    def layer_width(self, hf: PreTrainedModel) -> int:
        """Several residual streams side by side."""
        config = self.decoder(hf).config
        return int(config.hidden_size) * int(config.hc_count)
