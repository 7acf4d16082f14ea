"""Turning pixels and places by EXIF's eight orientations."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["ORIENTATION_OF_DEGREES", "turned_pixels", "turned_place"]

ORIENTATION_OF_DEGREES: Mapping[int, int] = MappingProxyType({0: 1, 90: 8, 180: 3, 270: 6})
"""Degrees counter-clockwise by which a stored picture has to be turned -> EXIF's number of it."""

_TRANSPOSED = (5, 6, 7, 8)
_ROWS_BACK = (3, 4, 7, 8)  # of the picture that results
_COLUMNS_BACK = (2, 3, 6, 7)


def turned_pixels(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A stored picture (height, width, 3) as it looks upright.

    Args:
        pixels: as they are stored.
        orientation: EXIF's number, 1 to 8.
    """
    turned = pixels.swapaxes(0, 1) if orientation in _TRANSPOSED else pixels
    rows = -1 if orientation in _ROWS_BACK else 1
    columns = -1 if orientation in _COLUMNS_BACK else 1
    return np.ascontiguousarray(turned[::rows, ::columns])


def turned_place(x: float, y: float, orientation: int) -> tuple[float, float]:
    """Where a place of a stored picture is in the upright one; both are shares of its sides, 0..1."""
    if orientation in _TRANSPOSED:
        x, y = y, x
    return (
        1 - x if orientation in _COLUMNS_BACK else x,
        1 - y if orientation in _ROWS_BACK else y,
    )
