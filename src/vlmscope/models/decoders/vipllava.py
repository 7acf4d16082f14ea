"""ViP-LLaVA: LLaVA with features of several layers of its tower, always without the class token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.llava import LlavaFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["VipLlavaFamily"]


class VipLlavaFamily(LlavaFamily):
    """``VipLlavaForConditionalGeneration`` of transformers."""

    id = "vipllava"
    model_types = ("vipllava",)
    checkpoints = (
        Checkpoint(
            "llava-hf/vip-llava-7b-hf",
            "7B",
            "Llama 2 Community License",
            "marks drawn into the image",
        ),
    )
    foreign_types = ()
    boxes = None

    def selection(self, hf: PreTrainedModel) -> str:
        return "default"
