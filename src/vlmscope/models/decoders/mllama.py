"""Mllama (Llama 3.2 Vision): a decoder that reads the image by cross-attention.

The image is resized into a canvas of tiles, padded below and to the right. Its tokens are no part of
the sequence: some layers have the image's tokens as their only keys, all others see only text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import check_parts, check_tokens
from vlmscope.models.prompts.prompt import Expansion, PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["MllamaFamily"]


class MllamaFamily(Family):
    """``MllamaForConditionalGeneration`` of transformers."""

    id = "mllama"
    model_types = ("mllama",)
    checkpoints = (
        Checkpoint(
            "meta-llama/Llama-3.2-11B-Vision-Instruct",
            "11B",
            "Llama 3.2 Community License",
            "gated",
        ),
    )
    causal_image = False
    crossed = True
    many_images = False
    limits = (
        "one image per prompt",
        "the image is read by cross-attention and is no prefix of the sequence, so no image prefix is "
        "shared: each phrase runs whole",
        "only its cross-attention layers look at the image: maps of all other layers are zero, and a "
        "knock-out of the image acts there alone (a row that loses it gets zero from that layer)",
    )

    def attention(self, layer: nn.Module) -> nn.Module:
        attention: nn.Module = getattr(layer, "cross_attn", None) or layer.self_attn  # type: ignore[assignment]
        return attention

    def cross_layers(self, hf: PreTrainedModel) -> frozenset[int]:
        return frozenset(int(layer) for layer in self.decoder(hf).config.cross_attention_layers)

    def image_token_id(self, hf: PreTrainedModel) -> int:
        return int(hf.config.image_token_index)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "MllamaProcessor")
        check_tokens(hf, processor, self.image_token_id(hf))
        tiles = int(hf.config.vision_config.max_num_tiles)
        if int(processor.image_processor.max_image_tiles) != tiles:
            raise ModelMismatchError(
                f"The processor makes up to {processor.image_processor.max_image_tiles} tiles of an "
                f"image, the model takes up to {tiles}. Load the processor that belongs to the model."
            )
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[[Image.fromarray(pixels)]], return_tensors="pt")
        side = int(hf.config.vision_config.image_size)
        made = tuple(int(size) for size in values["pixel_values"].shape[-2:])
        if made != (side, side):
            raise ModelMismatchError(
                f"The processor makes tiles of {made[0]}x{made[1]} pixels, the model's vision tower "
                f"takes {side}x{side}. Load the processor that belongs to the model."
            )
        tiles = _arrangement(hf, int(values["aspect_ratio_ids"][0, 0]))
        layout = _layout(hf, pixels.shape[:2], tiles, side)
        tensors = {
            name: values[name] for name in ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
        }
        return ImageInputs(
            tensors, Expansion.run(self.placeholder(hf, processor), 1), (layout,), "resize"
        )

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Which tiles each position may read: those of its image, from the image's token on."""
        ids = batch["input_ids"]
        after = (ids == self.image_token_id(hf)).cumsum(-1) > 0  # (batch, positions)
        after = after & batch["attention_mask"].bool()
        tiles = batch["aspect_ratio_mask"][:, None] > 0  # (batch, 1, images, tiles)
        return {"cross_attention_mask": (after[:, :, None, None] & tiles).long()}


def _arrangement(hf: PreTrainedModel, aspect_ratio_id: int) -> tuple[int, int]:
    """(rows, columns) of tiles; id 0 stands for no image."""
    rows, columns = hf.config.vision_config.supported_aspect_ratios[aspect_ratio_id - 1]
    return int(rows), int(columns)


def _layout(
    hf: PreTrainedModel, size: tuple[int, ...], tiles: tuple[int, int], side: int
) -> GridLayout:
    """One grid over all tiles; offsets count the keys of the cross-attention layers."""
    from transformers.models.mllama.image_processing_pil_mllama import get_image_size_fit_to_canvas

    height, width = size
    canvas = tiles[0] * side, tiles[1] * side
    new = get_image_size_fit_to_canvas(height, width, *canvas, side)
    cells = side // int(hf.config.vision_config.patch_size)
    per_tile = cells * cells + 1  # a class token stands in front of each tile's patches
    tile_rows, inner_rows = np.divmod(np.arange(tiles[0] * cells), cells)
    tile_columns, inner_columns = np.divmod(np.arange(tiles[1] * cells), cells)
    tile = tile_rows[:, None] * tiles[1] + tile_columns[None, :]
    inner = inner_rows[:, None] * cells + inner_columns[None, :]
    y = Axis(int(new[0]) / height, 0.0).to_original(np.linspace(0, canvas[0], len(tile_rows) + 1))
    x = Axis(int(new[1]) / width, 0.0).to_original(np.linspace(0, canvas[1], len(tile_columns) + 1))
    return GridLayout("tiles", (tile * per_tile + 1 + inner).reshape(-1), y, x)
