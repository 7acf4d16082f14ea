"""Gaussian smoothing of attention maps on their token grids, and their combination."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from vlmscope.errors import AttentionError
from vlmscope.post.options import PostOptions
from vlmscope.types import TokenMap

__all__ = ["REFERENCE_CELLS", "check_finite", "combine", "need_finite", "smooth", "window"]

REFERENCE_CELLS = 24
"""Side of the grid that the paper's sigma and kernel are for (LLaVA-1.5)."""


def combine(token_map: TokenMap, maps: ArrayLike, options: PostOptions) -> NDArray[np.float64]:
    """The mean of smoothed maps: float (heads, tokens) -> float64 (tokens,).

    The paper sums; the mean differs by a factor that no threshold here sees, and keeps values
    comparable between sets of different sizes.

    Raises:
        AttentionError: maps with NaN or infinity, or none at all.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 2 or len(values) == 0:
        raise AttentionError(
            f"Maps to combine are (heads, tokens) with one head at least, got {values.shape}."
        )
    combined: NDArray[np.float64] = smooth(token_map, values, options).mean(axis=0)
    return combined


def smooth(token_map: TokenMap, maps: ArrayLike, options: PostOptions) -> NDArray[np.float64]:
    """Smooth maps, each on its own grid; views never bleed into each other.

    At a border the map is mirrored, so smoothing neither adds nor loses attention.

    Args:
        token_map: geometry of the image tokens.
        maps: float (..., tokens), in the order of ``token_map.image_positions``.
        options: ``smoothing``, ``sigma`` and ``kernel`` are used.

    Returns:
        float64 (..., tokens).

    Raises:
        AttentionError: maps with NaN or infinity.
    """
    values = check_finite(maps)
    if options.smoothing == "none" or options.sigma == 0:
        return values
    parts = []
    for view, grid in zip(token_map.views, token_map.split(values), strict=True):
        sizes = [window(options, side) for side in view.grid]
        sigma, radius = zip(*sizes, strict=True)
        blurred = gaussian_filter(grid, sigma=sigma, radius=radius, mode="reflect", axes=(-2, -1))
        parts.append(blurred.reshape(*values.shape[:-1], -1))
    return np.concatenate(parts, axis=-1)


def window(options: PostOptions, cells: int) -> tuple[float, int]:
    """(sigma, radius) in cells of the Gaussian along an axis of so many cells."""
    radius = options.kernel // 2
    if options.smoothing == "absolute":
        return options.sigma, radius
    scale = cells / REFERENCE_CELLS
    # whole cells, and never so few that the kernel's weight beyond them would matter
    return options.sigma * scale, math.ceil(radius * scale)


def check_finite(maps: ArrayLike) -> NDArray[np.float64]:
    """The maps as float64.

    Raises:
        AttentionError: when they hold NaN or infinity.
    """
    values = np.asarray(maps, dtype=np.float64)
    need_finite(bool(np.isfinite(values).all()))
    return values


def need_finite(finite: bool) -> None:
    """Raise AttentionError unless a model's maps are finite."""
    if not finite:
        raise AttentionError(
            "The attention maps hold NaN or infinity, so nothing can be located. The model "
            "probably overflowed in half precision: load it with dtype='bfloat16' or 'float32'."
        )
