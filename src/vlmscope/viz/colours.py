"""Colour tables, and how values become colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.viz.colour_table import colour_maps

__all__ = ["COLORMAPS", "colorize", "normalize"]

COLORMAPS = colour_maps()
"""Name of a colour map -> its anchors, see :func:`vlmscope.viz.colour_table.colour_maps`."""


def normalize(values: ArrayLike, scale: tuple[float, float] | None = None) -> NDArray[np.float64]:
    """Values moved to 0..1: by their own range, or by ``scale`` = (low, high), clipped.

    Constant values become 0: nothing stands out.

    Raises:
        BadOptionError: values that are not finite, or a scale that does not rise.
    """
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise BadOptionError(
            f"A map must hold finite numbers, got {np.count_nonzero(~np.isfinite(array))} of "
            f"{array.size} that are not. Replace them before drawing."
        )
    if scale is not None and not scale[0] <= scale[1]:
        raise BadOptionError(f"A colour scale is (low, high) with low <= high, got {scale}.")
    if scale is None:
        scale = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    low, high = scale
    if high == low:
        return np.zeros_like(array)
    return np.clip((array - low) / (high - low), 0.0, 1.0)


def colorize(values: ArrayLike, colormap: str = "inferno") -> NDArray[np.uint8]:
    """Colours of values in 0..1: (...,) to uint8 (..., 3). Values outside are clipped.

    Raises:
        UnknownNameError: no such colour map.
    """
    if colormap not in COLORMAPS:
        raise UnknownNameError("colour map", colormap, COLORMAPS)
    table = np.array([list(bytes.fromhex(anchor)) for anchor in COLORMAPS[colormap]], float)
    positions = np.linspace(0, 1, len(table))
    clipped = np.clip(np.asarray(values, dtype=np.float64), 0, 1)
    channels = [np.interp(clipped, positions, table[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
