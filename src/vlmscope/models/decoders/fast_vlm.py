"""FastVLM: a convolutional tower of timm's that brings 64x64 pixels to a token, a Qwen2 decoder.

Trained on pictures padded to a square; the processor of its transformers checkpoints crops the centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import check_counts, check_parts, check_tokens
from vlmscope.models.layout.vision_towers import check_tower
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["FastVlmFamily"]

_TIMM = "needs timm; in transformers' format"


class FastVlmFamily(Family):
    """``FastVlmForConditionalGeneration`` of transformers."""

    id = "fast-vlm"
    model_types = ("fast_vlm",)
    checkpoints = (
        Checkpoint("KamilaMila/FastVLM-0.5B", "0.5B", "unknown", _TIMM),
        Checkpoint("KamilaMila/FastVLM-1.5B", "1.5B", "unknown", _TIMM),
        Checkpoint("KamilaMila/FastVLM-7B", "7B", "unknown", _TIMM),
    )
    format_hints = (FormatHint("KamilaMila/FastVLM-7B", model_type="llava_qwen2"),)
    placements = ("pad", "processor")
    timm = True
    limits = (
        "a token's convolutions reach about three cells to each side, around the upper left corner of its "
        "rectangle and not its middle",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "LlavaProcessor")
        check_tower(hf, ("timm_wrapper",))
        architecture = str(hf.config.vision_config.architecture)
        if not architecture.startswith("fastvit"):
            raise UnsupportedError(
                f"This FastVLM has timm's tower {architecture!r}; known are those named fastvit. Where its "
                "image tokens lie is not known, so nothing is guessed."
            )
        check_tokens(hf, processor, self.image_token_id(hf))
        # a processor of other settings shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        fitted = fit_image(pixels, processor.image_processor, placement)
        values = processor.image_processor(
            images=[Image.fromarray(fitted.pixels)], return_tensors="pt"
        )
        frames = values["pixel_values"]  # (1, channels, height, width)
        size, cell = (int(frames.shape[-2]), int(frames.shape[-1])), _cell(hf)
        if size != fitted.size or size[0] % cell or size[1] % cell:
            raise ModelMismatchError(
                f"{type(processor.image_processor).__name__} made {size[0]}x{size[1]} pixels; by its "
                f"settings that are {fitted.size[0]}x{fitted.size[1]}, and a token of this model is "
                f"{cell}x{cell}. Load the processor that belongs to the model."
            )
        grid = size[0] // cell, size[1] // cell
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, grid[0] * grid[1])
        layout = GridLayout("image", np.arange(grid[0] * grid[1]), *fitted.edges(grid))
        return ImageInputs({"pixel_values": frames}, expansion, (layout,), fitted.placement)


def _cell(hf: PreTrainedModel) -> int:
    """Pixels of the fitted image per token, along one axis."""
    stages = hf.model.vision_tower.timm_model.feature_info
    return int(stages[-1]["reduction"])
