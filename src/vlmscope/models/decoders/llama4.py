"""Llama 4: tiles of an image that keeps its ratio, black on the right and below, a squashed copy last.

Most layers read within a chunk of positions and turn queries and keys by them; every fourth reads everything
and turns nothing, but scales its queries by the place in the sequence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.tiles import Tile
from vlmscope.models.layout.vision_towers import check_tower, tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Llama4Family", "within_canvas"]


class Llama4Family(Family):
    """``Llama4ForConditionalGeneration`` of transformers."""

    id = "llama4"
    model_types = ("llama4",)
    torchvision = True
    checkpoints = (
        Checkpoint(
            "meta-llama/Llama-4-Scout-17B-16E-Instruct",
            "109B, 17B active",
            "Llama 4 Community License",
            "gated",
        ),
        Checkpoint(
            "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
            "400B, 17B active",
            "Llama 4 Community License",
            "gated",
        ),
    )
    limits = (
        "three layers of four read within a chunk of positions (8192): text behind the end of the image's "
        "chunk does not see the image there",
        "layers without rotary positions scale queries by the place in the padded sequence: beyond 8192 "
        "positions a batch padded on the left is not the same as one by one",
    )

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        decoder: PreTrainedModel = hf.language_model.model
        return decoder

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """What templates write; an image's tokens are patches, and it stands among them once more."""
        return str(processor.image_token)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Llama4Processor")
        check_image_class(processor, ("Llama4ImageProcessor",))
        check_tower(hf, ("llama4_vision_model",))
        check_tokens(hf, processor, self.image_token_id(hf), processor.img_patch_token)
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def room_behind(self, hf: PreTrainedModel, length: int) -> int | None:
        """To the end of the chunk, and to where layers without rotary positions scale otherwise."""
        config = self.decoder(hf).config
        rooms = []
        if config.attention_chunk_size is not None:
            rooms.append(config.attention_chunk_size - length % config.attention_chunk_size)
        if config.attn_temperature_tuning:
            rooms.append(config.floor_scale - (length + 1) % config.floor_scale)
        return min(rooms, default=None)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
        frames = values["pixel_values"]  # (tiles and the whole image, channels, height, width)
        rows, columns = (int(value) for value in values["aspect_ratios"].reshape(-1))
        tile = _tile(hf, (int(frames.shape[-2]), int(frames.shape[-1])))
        token = str(processor.img_patch_token)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        count = rows * columns
        check_counts(expansion.tokens, len(frames) * tile.tokens)
        check_counts(expansion.tokens, (count + (count > 1)) * tile.tokens)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        y, x = within_canvas(size, (rows, columns), tile.side, bool(images.resize_to_max_canvas))
        layouts = _layouts(size, (rows, columns), tile, y, x)
        return ImageInputs({"pixel_values": frames}, expansion, layouts, "pad")

    def body(self, hf: PreTrainedModel, **inputs: Any) -> None:
        """There is no module of everything but the output layer: logits of one position are computed."""
        with _whole_outputs(hf):
            hf(**inputs, logits_to_keep=1)

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        with _whole_outputs(hf):
            return super().forward(hf, positions, **inputs)

    @contextlib.contextmanager
    def unchanged(self, hf: PreTrainedModel) -> Iterator[None]:
        with super().unchanged(hf), _whole_outputs(hf):
            yield


@contextlib.contextmanager
def _whole_outputs(hf: PreTrainedModel) -> Iterator[None]:
    """Passes inside the block run where transformers' own would not end.

    Its 5.24.0 asks what the language model returns for ``image_outputs``, which that never has, and
    every pass fails in its last line. Nothing is computed otherwise.
    """

    def complete(module: Any, args: Any, output: Any) -> None:
        if not isinstance(output, tuple) and not hasattr(output, "image_outputs"):
            output.image_outputs = None

    hook = hf.language_model.register_forward_hook(complete)
    try:
        yield
    finally:
        hook.remove()


def within_canvas(
    size: tuple[int, int], tiles: tuple[int, int], side: int, enlarge: bool
) -> tuple[Axis, Axis]:
    """Original -> canvas pixels along (y, x): the image fills the canvas from its top left corner.

    Args:
        size: (height, width) of the original.
        tiles: (rows, columns) of the canvas.
        side: of a tile.
        enlarge: small images fill the canvas too; else none is made larger than a tile.
    """
    canvas = tiles[0] * side, tiles[1] * side
    height, width = size
    if not enlarge:
        canvas = min(max(height, side), canvas[0]), min(max(width, side), canvas[1])
    if canvas[1] / width < canvas[0] / height:
        new = min(int(height * (canvas[1] / width)), canvas[0]), canvas[1]
    else:
        new = canvas[0], min(int(width * (canvas[0] / height)), canvas[1])
    return Axis(max(new[0], 1) / height, 0.0), Axis(max(new[1], 1) / width, 0.0)


def _tile(hf: PreTrainedModel, frame: tuple[int, int]) -> Tile:
    """The tokens of a frame of (height, width) pixels.

    Raises:
        ModelMismatchError: for a frame that is not the tower's square.
    """
    side, patch = tower_sides(hf)
    factor = round(1 / hf.config.vision_config.pixel_shuffle_ratio)
    if frame != (side, side) or (side // patch) % factor:
        raise ModelMismatchError(
            f"The processor makes tiles of {frame[0]}x{frame[1]} pixels, the model's vision tower takes "
            f"squares of {side}. Load the processor that belongs to the model."
        )
    return Tile(side, side // patch // factor, patch * factor)


def _layouts(
    size: tuple[int, int], tiles: tuple[int, int], tile: Tile, y: Axis, x: Axis
) -> tuple[GridLayout, ...]:
    """The tiles in one grid, then the squashed image; a single tile has none beside it."""
    rows, columns = tiles
    order = tile.order(rows, columns)
    y_edges, x_edges = y.to_original(tile.edges(rows)), x.to_original(tile.edges(columns))
    if rows * columns == 1:
        return (GridLayout("image", order, y_edges, x_edges),)
    whole = tile.edges(1) / tile.side
    last = np.arange(tile.tokens) + len(order)
    return (
        GridLayout("tiles", order, y_edges, x_edges),
        GridLayout("thumbnail", last, whole * size[0], whole * size[1]),
    )
