"""Attention maps beside each other, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vlmscope.errors import BadOptionError
from vlmscope.viz.colours import colorize, normalize
from vlmscope.viz.sheet import contact_sheet

__all__ = ["head_grid"]


def head_grid(
    maps: ArrayLike,
    titles: Sequence[str],
    *,
    columns: int | None = None,
    cell: int = 200,
    colormap: str = "inferno",
    shared_scale: bool = False,
    theme: str = "light",
) -> Image.Image:
    """Draw raw maps with sharp cells, one per head, each with its title beneath.

    Args:
        maps: float (n, rows, columns).
        titles: one per map, for example ``"L14H24"``.
        columns: maps per row; by default nearly square.
        cell: width of one map in pixels.
        colormap: ``inferno``, ``viridis`` or ``grey``.
        shared_scale: one colour scale for all maps, or each its own range.
        theme: ``light`` or ``dark``.

    Raises:
        BadOptionError: maps of another shape, or titles that do not match.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 3 or 0 in values.shape:
        raise BadOptionError(
            f"maps must be (n, rows, columns), none of them 0, got {values.shape}."
        )
    if len(titles) != len(values):
        raise BadOptionError(f"Give one title per map: got {len(titles)} for {len(values)} maps.")
    scale = (float(values.min()), float(values.max())) if shared_scale else None
    tiles = [_tile(normalize(each, scale), cell, colormap) for each in values]
    return contact_sheet(tiles, titles, columns=columns, cell=cell, theme=theme, caption_lines=1)


def _tile(values: NDArray[np.float64], side: int, colormap: str) -> Image.Image:
    """One map with whole pixels per cell, its longer side at most about ``side``."""
    times = max(1, side // max(values.shape))
    small = Image.fromarray(colorize(values, colormap))
    size = small.width * times, small.height * times
    return small.resize(size, Image.Resampling.NEAREST)
