"""DeepSeek-VL: one padded square; the larger models look at it a second time at high resolution.

The second tower (SAM's) sees the square at several times the resolution; its features are brought to the
grid of the first one and both halves of a token are read together. Strided convolutions do that, whose
field reaches three quarters of a cell up and to the left of the cell they belong to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.padded_square import PaddedSquareFamily, check_side, padded_square
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.placement import Axis
from vlmscope.models.spare_weights import TOWER_HEAD

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["DeepseekVlFamily", "DeepseekVlHybridFamily"]

_SYSTEM = (
    "You are a helpful language and vision assistant. You are able to understand the visual content "
    "that the user provides, and assist the user with a variety of tasks using natural language."
)


class DeepseekVlFamily(PaddedSquareFamily):
    """``DeepseekVLForConditionalGeneration`` of transformers: 1.3B."""

    id = "deepseek-vl"
    model_types = ("deepseek_vl",)
    checkpoints = (
        Checkpoint("deepseek-community/deepseek-vl-1.3b-chat", "2B", "DeepSeek Model License"),
    )
    spare_weights = (TOWER_HEAD,)
    paper_system = _SYSTEM
    processor_class = "DeepseekVLProcessor"
    image_processors = ("DeepseekVLImageProcessor",)
    tower = "siglip_vision_model"


class DeepseekVlHybridFamily(PaddedSquareFamily):
    """``DeepseekVLHybridForConditionalGeneration`` of transformers: 7B."""

    id = "deepseek-vl-hybrid"
    model_types = ("deepseek_vl_hybrid",)
    checkpoints = (
        Checkpoint(
            "deepseek-community/deepseek-vl-7b-chat",
            "7B",
            "DeepSeek Model License",
            "two vision towers",
        ),
    )
    format_hints = (
        FormatHint("deepseek-community/deepseek-vl-7b-chat", model_type="multi_modality"),
    )
    spare_weights = (TOWER_HEAD,)
    paper_system = _SYSTEM
    processor_class = "DeepseekVLHybridProcessor"
    image_processors = ("DeepseekVLHybridImageProcessor",)
    tower = "siglip_vision_model"
    limits = (
        *PaddedSquareFamily.limits,
        "the high-resolution half of a token reaches three quarters of a cell up and to the left of its "
        "rectangle",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        high = hf.config.high_res_vision_config.model_type
        if high != "sam_vision_model":
            raise UnsupportedError(
                f"This model has a high-resolution tower of type {high!r}; known is sam_vision_model. "
                "Where its image tokens lie is not known, so nothing is guessed."
            )
        super().check(hf, processor)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        inputs = super().image_inputs(hf, processor, pixels, placement)
        side = int(processor.image_processor.high_res_size["height"])
        wanted = int(hf.config.high_res_vision_config.image_size)
        check_side(inputs.tensors["high_res_pixel_values"], side, wanted)
        return inputs

    def axes(self, images: Any, size: tuple[int, int]) -> tuple[Axis, Axis]:
        """The small square is made of the large one."""
        least = int(images.min_size)
        y, x, square = padded_square(size, int(images.high_res_size["height"]), least)
        scale = int(images.size["height"]) / square
        return y.then(scale, 0.0), x.then(scale, 0.0)
