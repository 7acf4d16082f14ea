"""Idefics3 and SmolVLM: an image split into tiles, the whole image after them, patches shuffled together.

The image is stretched to whole tiles and cut; a last frame shows all of it stretched to one tile. Each
token is a square of patches. Where a tile is no whole number of tokens (SmolVLM-2.2B: 384 pixels,
patches of 14) the tower drops what is left over at its right and lower border, see ``tiles``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Idefics3Family", "SmolVlmFamily", "stacked"]


class Idefics3Family(Family):
    """``Idefics3ForConditionalGeneration`` of transformers."""

    id = "idefics3"
    model_types = ("idefics3",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("HuggingFaceM4/Idefics3-8B-Llama3", "8.5B", "Apache-2.0", "Llama 3 decoder"),
        Checkpoint("HuggingFaceTB/SmolVLM-256M-Instruct", "256M", "Apache-2.0"),
        Checkpoint("HuggingFaceTB/SmolVLM-Instruct", "2.2B", "Apache-2.0"),
    )
    processor_class = "Idefics3Processor"
    image_processors: tuple[str, ...] = ("Idefics3ImageProcessor", "SmolVLMImageProcessor")

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        decoder: PreTrainedModel = hf.model.text_model
        return decoder

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, self.image_processors)
        # a processor of another tile size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.full((8, 12, 3), 200, dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(
            images=[[Image.fromarray(pixels)]], return_tensors="pt", return_row_col_info=True
        )
        frames = values["pixel_values"]  # (1, frames, channels, height, width)
        rows, columns = int(values["rows"][0][0]), int(values["cols"][0][0])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        cells = _cells(hf, (int(frames.shape[-2]), int(frames.shape[-1])))
        check_counts(expansion.tokens, int(frames.shape[1]) * cells**2)
        check_counts(expansion.tokens, (rows * columns + 1) * cells**2)
        _check_frames(frames)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        tile = Tile(int(frames.shape[-1]), cells, _stride(hf))
        tiles = max(rows, 1), max(columns, 1)
        layouts = tuple(stretched_layouts(size, tile, tiles, thumbnail_first=False))
        tensors = {
            name: values[name]
            for name in ("pixel_values", "pixel_attention_mask")
            if name in values
        }
        placed = "squash" if squashed(size, tiles) else "resize"
        return ImageInputs(tensors, expansion, layouts, placed)

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Frames of each prompt side by side, filled up with frames of zeros."""
        names = items[0][0].tensors
        return {
            name: stacked(
                [torch.cat([image.tensors[name] for image in group], 1) for group in items]
            )
            for name in names
        }


class SmolVlmFamily(Idefics3Family):
    """``SmolVLMForConditionalGeneration`` of transformers."""

    id = "smolvlm"
    model_types = ("smolvlm",)
    checkpoints = (
        Checkpoint("HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "256M", "Apache-2.0"),
        Checkpoint("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "507M", "Apache-2.0"),
        Checkpoint("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "2.2B", "Apache-2.0"),
    )
    processor_class = "SmolVLMProcessor"
    image_processors = ("SmolVLMImageProcessor", "Idefics3ImageProcessor")


def _stride(hf: PreTrainedModel) -> int:
    """Pixels of a frame per token, along one axis."""
    return int(hf.config.vision_config.patch_size) * int(hf.config.scale_factor)


def _cells(hf: PreTrainedModel, frame: tuple[int, int]) -> int:
    """Tokens per side of a frame of (height, width) pixels.

    Raises:
        ModelMismatchError: for a frame that cannot be shuffled into tokens.
    """
    patch, factor = int(hf.config.vision_config.patch_size), int(hf.config.scale_factor)
    patches = frame[0] // patch
    if frame[0] != frame[1] or patches < 1 or patches % factor:
        raise ModelMismatchError(
            f"The processor makes frames of {frame[0]}x{frame[1]} pixels = {patches}x{frame[1] // patch} "
            f"patches; the model takes squares whose patches per side are a multiple of {factor}. Load "
            "the processor that belongs to the model."
        )
    return patches // factor


def _check_frames(frames: Tensor) -> None:
    """Raise BadImageError for a frame that the model would take for padding and drop."""
    empty = int((frames == 0).flatten(2).all(-1).sum())
    if empty:
        raise BadImageError(
            f"{empty} of {frames.shape[1]} frames of this image are exactly zero after normalisation, "
            "which the model takes for padding and leaves out. Change one pixel of each, or set "
            "image_mean of the image processor to the model's own."
        )


def stacked(items: Sequence[Tensor]) -> Tensor:
    """(1, frames, ...) each -> (items, most frames, ...), filled up with zeros."""
    most = max(item.shape[1] for item in items)
    whole = items[0].new_zeros((len(items), most, *items[0].shape[2:]))
    for row, item in enumerate(items):
        whole[row, : item.shape[1]] = item[0]
    return whole
