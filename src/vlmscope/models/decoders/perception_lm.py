"""PerceptionLM: the squashed image, then the image stretched to tiles, tokens pooled in squares.

Its vision tower is one of timm's, which needs torchvision as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.tiles import Tile, squashed
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["PerceptionLmFamily"]


class PerceptionLmFamily(Family):
    """``PerceptionLMForConditionalGeneration`` of transformers."""

    id = "perception-lm"
    model_types = ("perception_lm",)
    torchvision = True
    timm = True
    checkpoints = (
        Checkpoint(
            "facebook/Perception-LM-1B", "1B", "FAIR Noncommercial Research License", "gated"
        ),
        Checkpoint(
            "facebook/Perception-LM-3B", "3B", "FAIR Noncommercial Research License", "gated"
        ),
        Checkpoint(
            "facebook/Perception-LM-8B", "8B", "FAIR Noncommercial Research License", "gated"
        ),
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "PerceptionLMProcessor")
        check_image_class(processor, ("PerceptionLMImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        pooled, wanted = int(processor.pooling_ratio), int(hf.config.projector_pooling_ratio)
        if pooled != wanted:
            raise ModelMismatchError(
                f"The processor counts on {pooled}x{pooled} patches to a token, the model pools "
                f"{wanted}x{wanted}. Load the processor that belongs to the model."
            )
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
        frames = values["pixel_values"]  # (1, frames, channels, height, width)
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        tile = _tile(int(frames.shape[-1]), int(processor.patch_size), int(processor.pooling_ratio))
        size = int(pixels.shape[0]), int(pixels.shape[1])
        tiles = _arrangement(images, size)
        count = int(frames.shape[1])
        check_counts(expansion.tokens, count * tile.tokens)
        check_counts(count, 1 + (tiles[0] * tiles[1] if tiles else 0))
        tensors = {"pixel_values": frames}
        done = "squash" if squashed(size, tiles or (1, 1)) else "resize"
        return ImageInputs(tensors, expansion, tuple(_layouts(size, tile, tiles)), done)

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Images side by side; of different numbers of frames, which the model does not look at, as one."""
        frames = [image.tensors["pixel_values"] for images in items for image in images]
        alike = len({each.shape[1] for each in frames}) == 1
        return {"pixel_values": torch.cat(frames, 0 if alike else 1)}


def _tile(side: int, patch: int, pool: int) -> Tile:
    """The tokens of one frame.

    Raises:
        ModelMismatchError: patches that cannot be pooled in whole squares, where tokens would overlap.
    """
    patches = side // patch
    if side % patch or patches % pool:
        raise ModelMismatchError(
            f"Tiles of {side} pixels are {side / patch:g} patches of {patch} a side, which are not pooled in "
            f"squares of {pool}: tokens would overlap. Load the processor that belongs to the model."
        )
    return Tile(side, patches // pool, patch * pool)


def _arrangement(images: Any, size: tuple[int, int]) -> tuple[int, int] | None:
    """(rows, columns) of tiles; None where the processor makes none."""
    if images.vision_input_type != "thumb+tile":
        return None
    where = {"img_width": size[1], "img_height": size[0], "tile_size": int(images.tile_size)}
    if int(images.max_num_tiles) <= 1:
        return 1, 1
    fitting = images._fit_image_to_canvas(**where)
    columns, rows = images._find_closest_aspect_ratio(**where) if fitting is None else fitting
    return int(rows), int(columns)


def _layouts(size: tuple[int, int], tile: Tile, tiles: tuple[int, int] | None) -> list[GridLayout]:
    whole = tile.edges(1) / tile.side
    first = np.arange(tile.tokens)
    if tiles is None:
        return [GridLayout("image", first, whole * size[0], whole * size[1])]
    rows, columns = tiles
    y = tile.edges(rows) * (size[0] / (rows * tile.side))
    x = tile.edges(columns) * (size[1] / (columns * tile.side))
    order = tile.order(rows, columns) + tile.tokens
    return [
        GridLayout("thumbnail", first, whole * size[0], whole * size[1]),
        GridLayout("tiles", order, y, x),
    ]
