"""Janus and Janus-Pro, as far as they read images: one padded square in front of a Llama.

Their second vision part, which draws images, takes no part in this.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.padded_square import PaddedSquareFamily
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.prompts.prompt import PromptRequest, WrittenPrompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["JanusFamily"]


class JanusFamily(PaddedSquareFamily):
    """``JanusForConditionalGeneration`` of transformers, reading images."""

    id = "janus"
    model_types = ("janus",)
    checkpoints = (
        Checkpoint("deepseek-community/Janus-Pro-1B", "2B", "DeepSeek Model License"),
        Checkpoint("deepseek-community/Janus-Pro-7B", "7B", "DeepSeek Model License"),
    )
    format_hints = (FormatHint("deepseek-community/Janus-Pro-7B", model_type="multi_modality"),)
    processor_class = "JanusProcessor"
    image_processors = ("JanusImageProcessor",)
    tower = "janus_vision_model"
    limits = (*PaddedSquareFamily.limits, "it reads images here; drawing them is left out")

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        written = super().write(hf, processor, request, preset, system)
        if preset != "chat" or not processor.use_default_system_prompt:
            return written
        from transformers.models.janus.processing_janus import DEFAULT_SYSTEM_PROMPT

        # the processor puts this in front of whatever text it is given, and adds a BOS to the whole
        moved = tuple(
            replace(
                span,
                start=span.start + len(DEFAULT_SYSTEM_PROMPT),
                end=span.end + len(DEFAULT_SYSTEM_PROMPT),
            )
            for span in written.spans
        )
        return WrittenPrompt(DEFAULT_SYSTEM_PROMPT + written.text, moved, add_special_tokens=True)
