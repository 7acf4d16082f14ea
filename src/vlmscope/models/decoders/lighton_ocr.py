"""LightOnOCR: a Pixtral tower, 2x2 patches to a token, a Qwen3 decoder; no tokens between rows.

Its processor leaves the multiple that sides are stretched to with the image processor. Where that is
one patch, an odd row or column of patches is left over and belongs to no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.pixtral_tower import PixtralTowerFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["LightOnOcrFamily"]


class LightOnOcrFamily(PixtralTowerFamily):
    """``LightOnOcrForConditionalGeneration`` of transformers."""

    id = "lighton-ocr"
    model_types = ("lighton_ocr",)
    checkpoints = (Checkpoint("lightonai/LightOnOCR-1B-1025", "1B", "Apache-2.0"),)
    processor_class = "LightOnOcrProcessor"
    limits = ("it was trained to write down whole pages, not to answer questions about a picture",)

    def image_options(self, hf: PreTrainedModel) -> dict[str, Any]:
        return {}
