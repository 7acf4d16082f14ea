"""What LLaVA-NeXT and LLaVA-OneVision share: tiles at the resolution that fits best, padding cut off.

The image keeps its ratio, is padded around its middle to the best of a list of resolutions and cut
into tiles; a squashed copy of it comes first. The model joins the tiles' tokens, cuts off rows or
columns of padding (whole ones, reckoned from the original's ratio and not from the pixels that were
padded) and puts a newline token behind every row. Rectangles follow the pixels as they were placed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import Axis, size_mapping
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.tiles import Tile
from vlmscope.models.layout.vision_towers import check_selection, tower_sides
from vlmscope.models.prompts.prompt import Expansion
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.models.spare_weights import TOWER_HEAD

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["AnyresFamily", "AnyresImage", "anyres_image"]

Size = tuple[int, int]


class AnyresFamily(Family):
    """Tiles with unpadding and newline tokens.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes whose geometry is known, by the start of their name.
    """

    processor_class: str
    image_processors: tuple[str, ...]
    spare_weights = (TOWER_HEAD,)
    boxes: BoxConvention | None = BoxConvention(
        "Provide the bounding box coordinate of the region this sentence describes: {phrase}",
        form="lists",
        full=1.0,
        frame="square",
        source="LLaVA issue 606, for LLaVA-1.5: parts of the square that the image is padded to",
        caution="Boxes in answers are read as LLaVA-1.5 writes them, in parts of a padded square; what "
        "tiled LLaVAs measure on is not documented (LLaVA issue 1158), so a box of an image that is no "
        "square may be shifted.",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_selection(hf, hf.config.vision_feature_select_strategy, keeps_class=False)
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, self.image_processors)
        check_resolutions(hf, processor.image_processor)
        # a processor of another tile size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(
            images=[Image.fromarray(pixels)], return_tensors="pt", do_pad=True
        )
        size = int(pixels.shape[0]), int(pixels.shape[1])
        fitted = anyres_image(hf, size, self.most_tiles(hf), self.tile(hf))
        check_frames(values["pixel_values"], fitted)
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, fitted.tokens)
        tensors = {name: values[name] for name in ("pixel_values", "image_sizes")}
        return ImageInputs(tensors, expansion, tuple(fitted.layouts()), "pad")

    def tile(self, hf: PreTrainedModel) -> Tile:
        """One tile and its tokens."""
        return patch_tile(hf)

    def most_tiles(self, hf: PreTrainedModel) -> int | None:
        """Tiles whose tokens the model keeps as they are; beyond, it resamples them. None: all."""
        return None

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Tiles of every image, filled up with zeros to the largest number of them; clips have none."""
        if items[0][0].kind == "video":
            return super().join(items)
        flat = [image.tensors for images in items for image in images]
        frames = [each["pixel_values"] for each in flat]
        most = max(each.shape[1] for each in frames)
        whole = frames[0].new_zeros((len(frames), most, *frames[0].shape[2:]))
        for row, each in enumerate(frames):
            whole[row, : each.shape[1]] = each[0]
        sizes = torch.cat([each["image_sizes"] for each in flat])
        return {"pixel_values": whole, "image_sizes": sizes}


@dataclass(frozen=True)
class AnyresImage:
    """Where the tokens of one image lie.

    Attributes:
        size: (height, width) of the original.
        canvas: (height, width) in pixels of the resolution that it was fitted to.
        tile: one of them.
        most: tiles whose tokens are kept as they are; None: all.
    """

    size: Size
    canvas: Size
    tile: Tile
    most: int | None = None

    @property
    def tiles(self) -> Size:
        """(rows, columns)."""
        return self.canvas[0] // self.tile.side, self.canvas[1] // self.tile.side

    @property
    def kept(self) -> tuple[Size, Size]:
        """(first, last + 1) of the rows, then of the columns, that are left without the padding.

        The model's own arithmetic, in its order of operations.
        """
        height, width = self.size
        rows, columns = (count * self.tile.cells for count in self.tiles)
        if width / height > columns / rows:
            inner = int(round(height * (columns / width), 7))
            margin = (rows - inner) // 2
            return (margin, rows - margin), (0, columns)
        inner = int(round(width * (rows / height), 7))
        margin = (columns - inner) // 2
        return (0, rows), (margin, columns - margin)

    @property
    def grid(self) -> Size:
        """(rows, columns) of the tiles' tokens, newlines not counted."""
        (top, bottom), (left, right) = self.kept
        rows, columns = bottom - top, right - left
        if self.most is None:
            return rows, columns
        ratio = math.sqrt(rows * columns / (self.most * self.tile.tokens))
        return (int(rows // ratio), int(columns // ratio)) if ratio > 1.1 else (rows, columns)

    @property
    def tokens(self) -> int:
        """Image tokens, newlines counted."""
        rows, columns = self.grid
        return self.tile.tokens + rows * (columns + 1)

    def layouts(self) -> Iterator[GridLayout]:
        """The squashed image, then the tiles; an image so narrow that no row is left has none."""
        height, width = self.size
        whole = self.tile.edges(1) / self.tile.side
        yield GridLayout("thumbnail", np.arange(self.tile.tokens), whole * height, whole * width)
        rows, columns = self.grid
        if rows * columns == 0:
            return
        cells_in_rows = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
        y, x = self.axes()
        edges = [
            axis.to_original(_resampled(self.tile.edges(count)[first : last + 1], cells))
            for axis, count, (first, last), cells in zip(
                (y, x), self.tiles, self.kept, self.grid, strict=True
            )
        ]
        yield GridLayout("tiles", cells_in_rows.reshape(-1) + self.tile.tokens, edges[0], edges[1])

    def axes(self) -> tuple[Axis, Axis]:
        """Original -> canvas pixels, as the processor resizes (the free side rounded up) and pads."""
        height, width = self.size
        tall, wide = self.canvas
        if wide / width < tall / height:
            new = min(math.ceil(height * (wide / width)), tall), wide
        else:
            new = tall, min(math.ceil(width * (tall / height)), wide)
        top, left = (tall - new[0]) // 2, (wide - new[1]) // 2
        return Axis(new[0] / height, top), Axis(new[1] / width, left)


def patch_tile(hf: PreTrainedModel) -> Tile:
    """A tile of whole patches, each of them a token."""
    side, patch = tower_sides(hf)
    return Tile(side, side // patch, patch)


def anyres_image(
    hf: PreTrainedModel, size: Size, most: int | None = None, tile: Tile | None = None
) -> AnyresImage:
    """What a model makes of an image of (height, width) pixels.

    Args:
        hf: the model.
        size: of the image.
        most: as in :class:`AnyresImage`.
        tile: one of its tiles; None: every patch is a token.
    """
    from transformers.image_processing_utils import select_best_resolution

    canvas = select_best_resolution(size, hf.config.image_grid_pinpoints)
    return AnyresImage(size, (int(canvas[0]), int(canvas[1])), tile or patch_tile(hf), most)


def check_resolutions(hf: PreTrainedModel, images: Any) -> None:
    """Raise ModelMismatchError unless processor and model mean the same tiles."""
    side, _ = tower_sides(hf)
    expected = [[int(value) for value in pair] for pair in hf.config.image_grid_pinpoints]
    theirs = [[int(value) for value in pair] for pair in images.image_grid_pinpoints]
    if expected != theirs:
        raise ModelMismatchError(
            f"The processor fits images to the resolutions {theirs}, the model expects {expected} "
            "(image_grid_pinpoints). Load the processor that belongs to the model."
        )
    odd = [pair for pair in expected if pair[0] % side or pair[1] % side]
    if odd or not expected:
        raise ModelMismatchError(
            f"The model's image_grid_pinpoints {odd or expected} are no multiples of its tile of {side} "
            "pixels, so tiles would not lie where its tokens say. Correct the config."
        )
    sizes = [images.size]
    if getattr(images, "do_center_crop", False):
        sizes.append(images.crop_size)
    sides = {value for size in sizes for value in size_mapping(size).values()}
    if sides != {side}:
        raise ModelMismatchError(
            f"The processor resizes tiles to {sorted(sides)} pixels, the model's vision tower takes "
            f"{side}. Load the processor that belongs to the model."
        )


def check_frames(frames: Tensor, fitted: AnyresImage) -> None:
    """Raise ModelMismatchError unless frames (1, frames, channels, height, width) are as expected."""
    rows, columns = fitted.tiles
    made = int(frames.shape[1]), int(frames.shape[-2]), int(frames.shape[-1])
    if made != (rows * columns + 1, fitted.tile.side, fitted.tile.side):
        raise ModelMismatchError(
            f"The processor makes {made[0]} frames of {made[1]}x{made[2]} pixels of this image, the "
            f"model expects {rows}x{columns} tiles and the whole image, {fitted.tile.side} pixels a "
            "side. Load the processor that belongs to the model."
        )


def _resampled(edges: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Edges of ``cells`` equal parts of a row of cells."""
    return np.interp(np.linspace(0, len(edges) - 1, cells + 1), np.arange(len(edges)), edges)
