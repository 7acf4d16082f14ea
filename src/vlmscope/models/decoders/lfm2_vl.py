"""LFM2-VL: large images cut into squares of 512 pixels with a thumbnail behind them, others kept whole.

Four patches make a token. Small images and thumbnails keep nearly their ratio: they are stretched to whole
tokens within a budget. Most of the decoder's layers are short convolutions, which have no attention rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.slices import sliced_layouts
from vlmscope.models.layout.tiles import squashed
from vlmscope.models.layout.vision_towers import check_tower
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

__all__ = ["Lfm2VlFamily"]

_TENSORS = ("pixel_values", "pixel_attention_mask", "spatial_shapes")


class Lfm2VlFamily(HybridFamily):
    """``Lfm2VlForConditionalGeneration`` of transformers."""

    id = "lfm2-vl"
    model_types = ("lfm2_vl",)
    checkpoints = (
        Checkpoint("LiquidAI/LFM2-VL-450M", "450M", "LFM Open License"),
        Checkpoint("LiquidAI/LFM2-VL-1.6B", "1.6B", "LFM Open License"),
        Checkpoint("LiquidAI/LFM2-VL-3B", "3B", "LFM Open License"),
    )
    torchvision = True
    limits = hybrid_limits("short convolutions")

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """The template writes BOS by itself, and its processor adds none."""
        written = super().write(hf, processor, request, preset, system)
        return replace(written, add_special_tokens=False) if preset == "chat" else written

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Lfm2VlProcessor")
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("Lfm2VlImageProcessor",))
        check_tower(hf, ("siglip2_vision_model",))
        images = processor.image_processor
        made = int(images.encoder_patch_size), int(images.downsample_factor)
        wanted = int(hf.config.vision_config.patch_size), int(hf.config.downsample_factor)
        if made != wanted:
            raise ModelMismatchError(
                f"The image processor has patches of {made[0]} pixels and merges {made[1]}x{made[1]} of "
                f"them (encoder_patch_size, downsample_factor), the model {wanted[0]} and "
                f"{wanted[1]}x{wanted[1]}. Load the processor that belongs to the model."
            )
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(
            images=[Image.fromarray(pixels)], return_tensors="pt", return_row_col_info=True
        )
        written = processor.replace_image_token(
            values, 0, use_image_special_tokens=processor.use_image_special_tokens
        )
        expansion = Expansion.of(str(written), self.placeholder(hf, processor))
        grids = _token_grids(hf, values["spatial_shapes"])
        check_counts(expansion.tokens, sum(tall * wide for tall, wide in grids))
        rows, columns = int(values["image_rows"][0]), int(values["image_cols"][0])
        count = rows * columns if rows * columns > 1 else 0
        whole = grids[count] if len(grids) > count else None
        size = int(pixels.shape[0]), int(pixels.shape[1])
        arrangement = (rows, columns) if count else (0, 0)
        layouts = tuple(sliced_layouts(size, whole, arrangement, grids[0], whole_first=False))
        finest = (rows, columns) if count else grids[0]
        tensors = {name: values[name] for name in _TENSORS}
        placed = "squash" if squashed(size, finest) else "resize"
        return ImageInputs(tensors, expansion, layouts, placed)


def _token_grids(hf: PreTrainedModel, shapes: Tensor) -> list[tuple[int, int]]:
    """(rows, columns) of tokens of each crop, from int (crops, 2) of patches."""
    merged = int(hf.config.downsample_factor)
    return [(int(rows) // merged, int(columns) // merged) for rows, columns in shapes]
