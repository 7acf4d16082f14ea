"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: 2x2 patches to a token, at any resolution.

Attention inside the tower is over the whole image in Qwen2-VL; Qwen2.5-VL looks through windows in
most layers (its tokens are put back into row order after); Qwen3-VL also adds the tower's middle
layers to the first decoder layers, at the image's own positions only, so the image prefix holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.decoders.mrope import MropeFamily
from vlmscope.models.decoders.qwen_clips import Qwen3Clips, Qwen25Clips, QwenClips
from vlmscope.models.prompts.written_boxes import BoxConvention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = [
    "Qwen2VlFamily",
    "Qwen3VlFamily",
    "Qwen25VlFamily",
    "QwenVlFamily",
    "deepest_added_feature",
]


class QwenVlFamily(MropeFamily):
    """What the generations share."""

    image_processors: tuple[str, ...] = ("Qwen2VLImageProcessor",)
    delimiters = ("vision_start_token_id", "vision_end_token_id")


class Qwen2VlFamily(QwenVlFamily):
    """``Qwen2VLForConditionalGeneration`` of transformers."""

    id = "qwen2-vl"
    clips = QwenClips()
    model_types = ("qwen2_vl",)
    checkpoints = (
        Checkpoint("Qwen/Qwen2-VL-2B-Instruct", "2.2B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen2-VL-7B-Instruct", "8.3B", "Apache-2.0"),
    )
    processor_class = "Qwen2VLProcessor"
    boxes = BoxConvention(
        "Find {phrase} in the image and give its bounding box.",
        form="pairs",
        full=1000.0,
        marks=("<|box_start|>", "<|box_end|>"),
        source="Qwen2-VL report: corners (x,y) between box tokens, normalised to [0, 1000)",
    )


class Qwen25VlFamily(QwenVlFamily):
    """``Qwen2_5_VLForConditionalGeneration`` of transformers."""

    id = "qwen2.5-vl"
    model_types = ("qwen2_5_vl",)
    clips = Qwen25Clips()
    checkpoints = (
        Checkpoint(
            "Qwen/Qwen2.5-VL-3B-Instruct", "3.8B", "Qwen Research License", "not for commercial use"
        ),
        Checkpoint("Qwen/Qwen2.5-VL-7B-Instruct", "8.3B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen2.5-VL-32B-Instruct", "33B", "Apache-2.0"),
    )
    processor_class = "Qwen2_5_VLProcessor"
    boxes = BoxConvention(
        "Locate {phrase} in the image and output its bbox coordinates in JSON format.",
        form="keys",
        full=None,
        source="Qwen2.5-VL cookbooks and issue 782: bbox_2d in pixels of the image AFTER resizing",
    )

    def box_units(self, hf: PreTrainedModel, token_map: TokenMap) -> tuple[float, float]:
        """The resized image in pixels: a token's cell is (patch x merge) of them."""
        vision = hf.config.vision_config
        cell = int(vision.patch_size) * int(vision.spatial_merge_size)
        rows, columns = token_map.views[0].grid
        return float(rows * cell), float(columns * cell)


class Qwen3VlFamily(QwenVlFamily):
    """``Qwen3VLForConditionalGeneration`` of transformers, its mixture-of-experts twin, and the reasoner
    of Cosmos 3, which is the same under another name (``Cosmos3OmniForConditionalGeneration``)."""

    id = "qwen3-vl"
    model_types: tuple[str, ...] = ("qwen3_vl", "qwen3_vl_moe", "cosmos3_omni")
    clips: ClipReader | None = Qwen3Clips()
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("Qwen/Qwen3-VL-2B-Instruct", "2B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen3-VL-4B-Instruct", "4B", "Apache-2.0"),
        Checkpoint("Qwen/Qwen3-VL-8B-Instruct", "9B", "Apache-2.0"),
    )
    processor_class = "Qwen3VLProcessor"
    boxes: BoxConvention | None = BoxConvention(
        "Locate {phrase} in the image and report its bbox coordinates in JSON format.",
        form="keys",
        full=1000.0,
        source="Qwen3-VL cookbooks and issue 2020: bbox_2d relative to the image, 0 to 1000",
    )
    limits: tuple[str, ...] = (
        "visual features also enter the first decoder layers directly, at the image's own positions: "
        "blocking edges to those positions hides them, blocking edges from them does not",
    )

    def image_enters_until(self, hf: PreTrainedModel) -> int:
        return deepest_added_feature(hf)


def deepest_added_feature(hf: PreTrainedModel) -> int:
    """The tower's middle layers are added behind as many decoder layers, from the first on."""
    return max(0, len(hf.config.vision_config.deepstack_visual_indexes) - 1)
