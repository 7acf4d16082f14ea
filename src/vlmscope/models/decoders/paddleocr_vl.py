"""PaddleOCR-VL: Qwen2-VL's way of feeding images, with ERNIE 4.5 as its decoder."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.mrope import MropeFamily

__all__ = ["PaddleOcrVlFamily"]


class PaddleOcrVlFamily(MropeFamily):
    """``PaddleOCRVLForConditionalGeneration`` of transformers: reads documents, draws no boxes."""

    id = "paddleocr-vl"
    model_types = ("paddleocr_vl",)
    checkpoints = (
        Checkpoint(
            "PaddlePaddle/PaddleOCR-VL",
            "0.9B",
            "Apache-2.0",
            "reads text, tables, formulas and charts",
        ),
    )
    processor_class = "PaddleOCRVLProcessor"
    image_processors = ("PaddleOCRVLImageProcessor",)
    delimiters = ("vision_start_token_id", "vision_end_token_id")
