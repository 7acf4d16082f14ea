"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: 2x2 patches to a token, at any resolution.

Attention inside the tower is over the whole image in Qwen2-VL; Qwen2.5-VL looks through windows in
most layers (its tokens are put back into row order after); Qwen3-VL also adds the tower's middle
layers to the first decoder layers, at the image's own positions only, so the image prefix holds them.
"""

from __future__ import annotations

from vlmscope.models.mrope import MropeFamily

__all__ = ["Qwen2VlFamily", "Qwen3VlFamily", "Qwen25VlFamily"]


class QwenVlFamily(MropeFamily):
    """What the generations share."""

    image_processors = ("Qwen2VLImageProcessor",)
    delimiters = ("vision_start_token_id", "vision_end_token_id")


class Qwen2VlFamily(QwenVlFamily):
    """``Qwen2VLForConditionalGeneration`` of transformers."""

    id = "qwen2-vl"
    model_types = ("qwen2_vl",)
    processor_class = "Qwen2VLProcessor"


class Qwen25VlFamily(QwenVlFamily):
    """``Qwen2_5_VLForConditionalGeneration`` of transformers."""

    id = "qwen2.5-vl"
    model_types = ("qwen2_5_vl",)
    processor_class = "Qwen2_5_VLProcessor"


class Qwen3VlFamily(QwenVlFamily):
    """``Qwen3VLForConditionalGeneration`` of transformers, and its mixture-of-experts twin."""

    id = "qwen3-vl"
    model_types = ("qwen3_vl", "qwen3_vl_moe")
    processor_class = "Qwen3VLProcessor"
    limits = (
        "visual features also enter the first decoder layers directly, at the image's own positions: "
        "blocking edges to those positions hides them, blocking edges from them does not",
    )
