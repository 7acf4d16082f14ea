"""A picture in 64 bits, by which copies of it are found again that were scaled or saved anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["picture_hash"]


def picture_hash(pixels: NDArray[np.uint8]) -> int:
    """The difference hash: is a place brighter than the one to its left, on a grid of 8 x 8?

    Args:
        pixels: uint8 (height, width, 3).

    Returns:
        64 bits, row by row, the first the highest. Near-duplicates differ in few of them.
    """
    grey = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX)
    values = np.asarray(grey, dtype=np.int16)
    bits = (values[:, 1:] > values[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
