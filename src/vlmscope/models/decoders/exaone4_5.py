"""EXAONE 4.5: Qwen2.5-VL's way of feeding images, with one position per token."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.any_resolution import AnyResolutionFamily

__all__ = ["Exaone45Family"]


class Exaone45Family(AnyResolutionFamily):
    """``Exaone4_5_ForConditionalGeneration`` of transformers."""

    id = "exaone-4.5"
    model_types = ("exaone4_5",)
    checkpoints = (Checkpoint("LGAI-EXAONE/EXAONE-4.5-33B", "33B", "unknown"),)
    processor_class = "Exaone4_5_Processor"
    image_processors = ("Qwen2VLImageProcessor",)
    limits = (
        "most layers look back at a window of positions: where a prompt is longer than that, they do not "
        "see the image",
    )
