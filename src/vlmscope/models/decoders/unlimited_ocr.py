"""Unlimited-OCR: tiles in one grid, then the whole page padded to a square, newlines behind their rows.

SAM's tower feeds CLIP's, and both halves make a token; two strided convolutions stand between them, four
patches of 16 pixels to a token along each axis. Answers see the prompt and a window of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

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
from vlmscope.models.layout.tiles import squashed
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["UnlimitedOcrFamily"]

# two convolutions of stride 2
_PATCHES = 4
_LISTS = ("num_local_patches", "patches_grid")

Size = tuple[int, int]


class UnlimitedOcrFamily(Family):
    """``UnlimitedOcrForConditionalGeneration`` of transformers."""

    id = "unlimited-ocr"
    model_types = ("unlimited_ocr",)
    checkpoints = (Checkpoint("baidu/Unlimited-OCR", "unknown", "unknown", "long documents"),)
    torchvision = True
    limits = (
        "a token reaches three quarters of a cell up and to the left of its rectangle",
        "an answer sees the prompt and its own last tokens (sliding_window, 128 of them): rows of earlier "
        "parts of the answer are zero there, as in the model",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "UnlimitedOcrProcessor")
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("UnlimitedOcrImageProcessor",))
        patch = int(hf.config.vision_config.sam_config.patch_size)
        made = int(processor.patch_size), int(processor.downsample_ratio)
        if made != (patch, _PATCHES):
            raise ModelMismatchError(
                f"The processor counts tokens of {made[1]}x{made[1]} patches of {made[0]} pixels "
                f"(downsample_ratio, patch_size), the model makes them of {_PATCHES}x{_PATCHES} of {patch}. "
                "Load the processor that belongs to the model."
            )
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
        size = int(pixels.shape[0]), int(pixels.shape[1])
        page = _page(hf, images, values, size)
        written = str(processor.replace_image_token(values, 0))
        expansion = Expansion.of(written, self.placeholder(hf, processor))
        check_counts(expansion.tokens, page.tokens)
        names = ("pixel_values", "pixel_values_local", *_LISTS)
        tensors = {name: _as_given(values[name], name) for name in names if name in values}
        placed = "pad" if page.padded and size[0] != size[1] else "resize"
        if page.tiles and squashed(size, page.tiles):
            placed = "squash"
        return ImageInputs(tensors, expansion, tuple(page.layouts()), placed)

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Any]:
        """Whole pages, and the tiles of those that have some; their numbers as lists."""
        flat = [image.tensors for group in items for image in group]
        tiles = [each["pixel_values_local"] for each in flat if "pixel_values_local" in each]
        joined: dict[str, Any] = {
            name: [number for each in flat for number in each[name]] for name in _LISTS
        }
        joined["pixel_values"] = torch.cat([each["pixel_values"] for each in flat])
        if tiles:
            joined["pixel_values_local"] = torch.cat(tiles)
        return joined

    def generating_cache(self, hf: PreTrainedModel) -> Any:
        """transformers' own drops keys out of the middle of the sequence."""
        from vlmscope.models.reference_window import reference_window_cache

        return reference_window_cache(self.decoder(hf).config)

    def cache(self, hf: PreTrainedModel) -> Any:
        return self.generating_cache(hf)

    def lasting_cache(self, hf: PreTrainedModel) -> Any:
        return self.generating_cache(hf)


@dataclass(frozen=True)
class _Page:
    """Where the tokens of one image lie.

    Attributes:
        size: (height, width) of the original.
        side: of the square that the whole page is brought to, in pixels.
        padded: it keeps its ratio there.
        cell: pixels of a token.
        tiles: (rows, columns) of tiles; None: it was not cut.
        tile: side of a tile, in pixels.
    """

    size: Size
    side: int
    padded: bool
    cell: int
    tiles: Size | None
    tile: int

    @property
    def cells(self) -> int:
        """Tokens per side of the whole page."""
        return -(-self.side // self.cell)

    @property
    def grid(self) -> Size:
        """(rows, columns) of tokens of all tiles."""
        rows, columns = self.tiles or (0, 0)
        each = -(-self.tile // self.cell)
        return rows * each, columns * each

    @property
    def tokens(self) -> int:
        """Image tokens: of the tiles, of the page, newlines behind rows, one separator at the end."""
        rows, columns = self.grid
        return rows * (columns + 1) * (rows > 0) + self.cells * (self.cells + 1) + 1

    def layouts(self) -> Iterator[GridLayout]:
        """The tiles, then the page."""
        first = 0
        if self.tiles is not None:
            rows, columns = self.grid
            first = rows * (columns + 1)
            y_edges, x_edges = [
                np.linspace(0.0, side, count + 1)
                for side, count in zip(self.size, self.grid, strict=True)
            ]
            yield GridLayout("tiles", _with_newlines(rows, columns), y_edges, x_edges)
        pixels = np.arange(self.cells + 1, dtype=np.float64) * self.cell
        y, x = (axis.to_original(pixels) for axis in self.axes())
        name = "image" if self.tiles is None else "thumbnail"
        yield GridLayout(name, first + _with_newlines(self.cells, self.cells), y, x)

    def axes(self) -> tuple[Axis, Axis]:
        """Original -> pixels of the square, (y, x)."""
        if not self.padded:
            y, x = (Axis(self.side / length, 0.0) for length in self.size)
            return y, x
        scale = self.side / max(self.size)
        new = [round(length * scale) for length in self.size]
        y, x = (
            Axis(after / before, float((max(new) - after) // 2))
            for before, after in zip(self.size, new, strict=True)
        )
        return y, x


def _page(hf: PreTrainedModel, images: Any, values: Any, size: Size) -> _Page:
    """What the image processor made of an image.

    Raises:
        ModelMismatchError: of another size than its settings say.
    """
    cell = int(hf.config.vision_config.sam_config.patch_size) * _PATCHES
    side, tile = max(int(images.size["height"]), int(images.size["width"])), int(images.tile_size)
    made = tuple(int(length) for length in values["pixel_values"].shape[-2:])
    if made != (side, side) or tile % cell:
        raise ModelMismatchError(
            f"The image processor makes {made[0]}x{made[1]} pixels of a page and tiles of {tile}; its "
            f"settings say {side}x{side}, and a tile must be a multiple of {cell}. Load the processor that "
            "belongs to the model."
        )
    padded = bool(images.crop_to_patches) or side > int(images.maximum_pad_value)
    columns, rows = (int(count) for count in values["patches_grid"][0])
    cut = int(values["num_local_patches"][0]) > 0
    return _Page(size, side, padded, cell, (rows, columns) if cut else None, tile)


def _with_newlines(rows: int, columns: int) -> NDArray[np.int64]:
    """Int (rows * columns,): tokens of a grid with one more behind each row."""
    return (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).reshape(-1)


def _as_given(value: Any, name: str) -> Any:
    """Tensors as they are, numbers as the lists that the model takes."""
    if name in _LISTS:
        return [each.tolist() if isinstance(each, torch.Tensor) else each for each in value]
    return value
