"""Cohere's North vision models: the tower of Qwen3-VL in front of a Cohere 2 decoder.

Layers with a sliding window turn queries and keys by (time, row, column), those that see everything may
have no positions at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.qwen_vl import Qwen3VlFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["CohereCompassFamily"]


class CohereCompassFamily(Qwen3VlFamily):
    """``CohereCompassForConditionalGeneration`` of transformers."""

    id = "cohere-compass"
    clips = None  # pictures alone are proved
    model_types = ("cohere_compass",)
    checkpoints = (Checkpoint("CohereLabs/North-Micro-Vision-Instruct", "unknown", "unknown"),)
    processor_class = "CohereCompassProcessor"
    image_processors = ("CohereCompassImageProcessor",)
    boxes = None
    limits = (
        *Qwen3VlFamily.limits,
        "layers with a sliding window do not see the image from beyond it",
    )

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        logits, scale = super().head(hf, hidden), hf.config.text_config.logit_scale
        return logits if scale is None else logits * scale
