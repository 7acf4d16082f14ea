"""GLM-4.1V, GLM-4.5V, GLM-4.6V and GLM-OCR: 2x2 patches to a token, at any resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.glm_clips import GlmClips
from vlmscope.models.decoders.mrope import MropeFamily
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.prompts.prompt import PromptRequest, WrittenPrompt
from vlmscope.models.prompts.written_boxes import BoxConvention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Glm4vFamily", "GlmOcrFamily", "GlmPrompts"]

# every text that GLM was trained on begins with these two
_START = ("[gMASK]", "<sop>")


class GlmPrompts(Family):
    """A family whose texts all begin alike."""

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        written = super().write(hf, processor, request, preset, system)
        return _started(written, processor.tokenizer) if preset == "paper" else written


class GlmVFamily(GlmPrompts, MropeFamily):
    """What the generations share."""

    image_processors = ("Glm4vImageProcessor", "Glm46VImageProcessor", "GlmgaImageProcessor")
    delimiters = ("image_start_token_id", "image_end_token_id")


class Glm4vFamily(GlmVFamily):
    """``Glm4vForConditionalGeneration`` of transformers, with or without a mixture of experts.

    ``glmga`` is GLM-4.6V's class under a configuration and an image processor of its own.
    """

    id = "glm-4v"
    model_types = ("glm4v", "glm4v_moe", "glm46v", "glmga")
    checkpoints = (
        Checkpoint("zai-org/GLM-4.1V-9B-Thinking", "10B", "MIT", "thinks before it answers"),
    )
    format_hints = (FormatHint("zai-org/GLM-4.1V-9B-Thinking", model_type="chatglm"),)
    processor_class = "Glm4vProcessor"
    clips = GlmClips()
    boxes = BoxConvention(
        "Help me to locate {phrase} in the image and give me its bounding box.",
        form="lists",
        full=1000.0,
        marks=("<|begin_of_box|>", "<|end_of_box|>"),
        room=2048,  # it thinks before it answers
        source="GLM-V model cards: four numbers between box tokens, in brackets of any kind, "
        "normalised to 0 to 1000",
    )


class GlmOcrFamily(GlmVFamily):
    """``GlmOcrForConditionalGeneration`` of transformers: reads documents, draws no boxes."""

    id = "glm-ocr"
    model_types = ("glm_ocr",)
    checkpoints = (Checkpoint("zai-org/GLM-OCR", "0.9B", "MIT", "reads text, tables and formulas"),)
    processor_class = "Glm46VProcessor"


def _started(written: WrittenPrompt, tokenizer: Any) -> WrittenPrompt:
    """The prompt behind the start tokens, where the vocabulary has them and nothing adds them."""
    known = tokenizer.get_vocab()
    added = tokenizer("").input_ids
    if not all(token in known for token in _START) or known[_START[0]] in added:
        return written
    return written.behind("".join(_START))
