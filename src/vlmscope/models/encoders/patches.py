"""Images of any size on a grid of patches: how they are resized, and the positions that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.types import Role, TokenMap, View

__all__ = [
    "PatchGrid",
    "grid_map",
    "grid_size",
    "resize_positions",
    "to_pixel_values",
    "to_pixels",
    "to_values",
]

PatchGrid = tuple[int, int]
"""(rows, columns) of patches."""

_MAX_PATCHES = 1 << 16


@dataclass(frozen=True)
class Normalisation:
    """How an image processor turns bytes into values.

    Attributes:
        mean, std: per channel, of values in 0..1.
        resample: Pillow's resampling number.
        rescale: factor that brings bytes to 0..1.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: int
    rescale: float

    @classmethod
    def of(cls, processor: Any) -> Normalisation:
        """Read an image processor of transformers."""
        normalises = bool(getattr(processor, "do_normalize", True))
        mean = getattr(processor, "image_mean", None) if normalises else None
        std = getattr(processor, "image_std", None) if normalises else None
        resample = getattr(processor, "resample", None)
        return cls(
            tuple(mean or (0.0, 0.0, 0.0)),
            tuple(std or (1.0, 1.0, 1.0)),
            int(Image.Resampling.BICUBIC if resample is None else resample),
            float(getattr(processor, "rescale_factor", None) or 1 / 255),
        )


def grid_size(
    image_size: tuple[int, int], patch: int, side: int | tuple[int, int], keep_ratio: bool
) -> PatchGrid:
    """Patches for an image.

    Args:
        image_size: (height, width) of the original in pixels.
        patch: side of a patch in pixels.
        side: of the resized image in pixels: its shorter side when the ratio is kept, else both
            (or height and width). Rounded to whole patches.
        keep_ratio: keep the aspect ratio, as far as whole patches allow.

    Raises:
        BadOptionError: a side smaller than one patch, or more patches than can be attended.
    """
    height, width = (side, side) if isinstance(side, int) else side
    if min(height, width) < patch:
        raise BadOptionError(f"The side {side} is smaller than one patch ({patch} pixels).")
    if round(height / patch) * round(width / patch) > _MAX_PATCHES:  # whatever the image
        raise BadOptionError(
            f"The side {side} makes {round(height / patch)}x{round(width / patch)} patches of {patch} "
            f"pixels, more than the {_MAX_PATCHES} that can be attended. Use a smaller side."
        )
    if keep_ratio and isinstance(side, int):
        scale = side / min(image_size)
        height, width = image_size[0] * scale, image_size[1] * scale  # type: ignore[assignment]
    rows, columns = round(height / patch), round(width / patch)
    if rows * columns > _MAX_PATCHES:
        raise BadOptionError(
            f"An image of {image_size[1]}x{image_size[0]} becomes {rows}x{columns} patches, more than "
            f"the {_MAX_PATCHES} that can be attended. Use a smaller side or keep_ratio=False."
        )
    return rows, columns


def to_pixel_values(
    pixels: NDArray[np.uint8], grid: PatchGrid, patch: int, normalisation: Normalisation
) -> Tensor:
    """Resize to a grid of patches and normalise: float32 (1, 3, rows * patch, columns * patch)."""
    size = (grid[1] * patch, grid[0] * patch)
    image = Image.fromarray(pixels).resize(size, Image.Resampling(normalisation.resample))
    values = (
        torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() * normalisation.rescale
    )
    mean, std = (
        torch.tensor(part)[:, None, None] for part in (normalisation.mean, normalisation.std)
    )
    return ((values - mean) / std).contiguous()


def to_pixels(values: Tensor, normalisation: Normalisation) -> Tensor:
    """Normalised values (batch, 3, height, width) as pixels of 0..1."""
    mean, std = _statistics(values, normalisation)
    return (values * std + mean) / (normalisation.rescale * 255)


def to_values(pixels: Tensor, normalisation: Normalisation) -> Tensor:
    """Pixels of 0..1, float (batch, 3, height, width), as normalised values."""
    mean, std = _statistics(pixels, normalisation)
    return (pixels * (normalisation.rescale * 255) - mean) / std


def _statistics(like: Tensor, normalisation: Normalisation) -> tuple[Tensor, Tensor]:
    parts = (normalisation.mean, normalisation.std)
    mean, std = (torch.tensor(part).to(like)[:, None, None] for part in parts)
    return mean, std


def resize_positions(
    positions: Tensor, prefix: int, grid: PatchGrid, mode: str = "bicubic"
) -> Tensor:
    """Position embeddings for another grid, WITH antialias.

    Args:
        positions: (1, prefix + n, dim) of a square grid of n patches.
        prefix: special tokens in front, kept as they are.
        grid: the grid wanted.
        mode: ``bicubic``, or ``bilinear`` where the model was trained with that.

    Returns:
        (1, prefix + rows * columns, dim); the same tensor when the grid is the model's own.
    """
    count = positions.shape[1] - prefix
    side = round(count**0.5)
    if grid == (side, side):
        return positions
    special, patches = positions[:, :prefix], positions[:, prefix:]
    square = patches.unflatten(1, (side, side)).permute(0, 3, 1, 2).float()
    resized = F.interpolate(square, size=grid, mode=mode, antialias=True, align_corners=False)
    flat = resized.permute(0, 2, 3, 1).flatten(1, 2).to(positions.dtype)
    return torch.cat([special, flat], dim=1)


def grid_map(image_size: tuple[int, int], grid: PatchGrid) -> TokenMap:
    """The token map of an image that is nothing but one grid of patches over its whole extent."""
    rows, columns = grid
    count = rows * columns
    view = View(
        "image",
        np.arange(count),
        np.linspace(0.0, image_size[0], rows + 1),
        np.linspace(0.0, image_size[1], columns + 1),
    )
    roles = np.full(count, Role.IMAGE, dtype=np.int8)
    return TokenMap(roles, ("",) * count, image_size, (view,), "resize")
