"""Granite-Docling: a page stretched to tiles of 512 pixels, a thumbnail after them, patches shuffled.

A token is 4x4 patches of a tile, or 2x2 on the connector's fine path, which makes four times as many.
Features of three of the tower's layers are added to the image positions behind the decoder's first three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.idefics import Idefics3Family, stacked
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_counts
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts
from vlmscope.models.layout.vision_towers import tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["GraniteDoclingFamily"]

_FINE = "tile_fine_mask"


class GraniteDoclingFamily(Idefics3Family):
    """``GraniteDoclingForConditionalGeneration`` of transformers."""

    id = "granite-docling"
    model_types = ("granite_docling",)
    checkpoints = (
        Checkpoint("ibm-granite/granite-for-docling-500m", "500M", "unknown", "pages of documents"),
    )
    placements = ("processor", "fine")
    processor_class = "GraniteDoclingProcessor"
    image_processors = ("GraniteDoclingImageProcessor",)

    def image_enters_until(self, hf: PreTrainedModel) -> int:
        """DeepStack adds features of the tower to image positions behind the first layers."""
        return max(0, len(hf.config.vision_config.deepstack_visual_indexes) - 1)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        fine = {"fine_route": True} if placement == "fine" else {}
        values = processor.image_processor(
            images=[[Image.fromarray(pixels)]], return_tensors="pt", **fine
        )
        frames = values["pixel_values"]  # (1, frames, channels, height, width)
        tile = _tile(hf, frames, _FINE in values)
        tiles = int(values["rows"][0][0]), int(values["cols"][0][0])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        count = tiles[0] * tiles[1]
        check_counts(expansion.tokens, int(frames.shape[1]) * tile.tokens)
        check_counts(expansion.tokens, (count + (count > 1)) * tile.tokens)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        layouts = tuple(stretched_layouts(size, tile, tiles, thumbnail_first=False))
        names = ("pixel_values", "pixel_attention_mask", _FINE)
        tensors = {name: values[name] for name in names if name in values}
        placed = "squash" if squashed(size, tiles) else "resize"
        return ImageInputs(tensors, expansion, layouts, placed)

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Tiles of each prompt side by side, filled up with tiles that the mask leaves out."""
        joined = {
            name: stacked(
                [torch.cat([image.tensors[name] for image in group], 1) for group in items]
            )
            for name in ("pixel_values", "pixel_attention_mask")
        }
        if _FINE in items[0][0].tensors:  # one value per prompt, whatever it holds
            joined[_FINE] = torch.ones(len(items), dtype=torch.bool)
        return joined

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        return super().head(hf, hidden) / float(self.decoder(hf).config.logits_scaling)


def _tile(hf: PreTrainedModel, frames: Tensor, fine: bool) -> Tile:
    """The tokens of one tile.

    Args:
        hf: the model.
        frames: (1, tiles, channels, height, width).
        fine: on the connector's fine path.

    Raises:
        ModelMismatchError: for tiles that the tower does not take.
        UnsupportedError: for the fine path of a model that has none.
    """
    side, patch = tower_sides(hf)
    vision = hf.config.vision_config
    made = int(frames.shape[-2]), int(frames.shape[-1])
    if made != (side, side):
        raise ModelMismatchError(
            f"The processor makes tiles of {made[0]}x{made[1]} pixels, the model's vision tower takes "
            f"{side}x{side}. Load the processor that belongs to the model."
        )
    if fine and not vision.use_fine_route:
        raise UnsupportedError(
            "This model has no fine path (use_fine_route is False in its config), so it cannot take the "
            "placement 'fine', nor an image processor with fine_route=True. Use 'processor'."
        )
    factor = int(vision.scale_factor) // (2 if fine else 1)
    return Tile(side, side // patch // factor, patch * factor)
