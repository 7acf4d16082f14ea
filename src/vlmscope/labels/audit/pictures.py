"""The picture of an object that is looked at: its surroundings, with its box and its mask's outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.export.formats import LabelledObject
from vlmscope.markup import jpeg
from vlmscope.results.drawing import resized, scale_factor
from vlmscope.types import Box
from vlmscope.viz.pens import ORANGE, draw_box, outline_mask

__all__ = ["object_photo", "window"]

_SIDE, _SMALLEST = 560, 340  # pixels of the longer side at most, of the shorter at least
_LEAST_BYTES_SIDE = 160  # below which a picture is not made smaller for its weight
_AROUND = 0.6  # of the box's longer side, on each side of it
_LEAST = 0.5  # of the image's shorter side is always seen, each way
_STROKE = 2


def object_photo(
    pixels: NDArray[np.uint8], found: LabelledObject, most: int
) -> tuple[bytes, tuple[int, int]]:
    """A JPEG of an object in its surroundings, and its (width, height).

    Args:
        pixels: uint8 (height, width, 3), of the upright image.
        found: the object.
        most: bytes.
    """
    left, top, right, bottom = window(found.box, (pixels.shape[0], pixels.shape[1]))
    seen = pixels[top:bottom, left:right]
    factor = scale_factor(seen.shape[0], seen.shape[1], _SIDE, _SMALLEST)
    height, width = (max(1, round(side * factor)) for side in seen.shape[:2])
    image = Image.fromarray(resized(seen, (height, width)))
    mask = found.pixels()
    if mask is not None and mask.shape == pixels.shape[:2]:
        image = outline_mask(image, mask[top:bottom, left:right], 1)
    x0, y0, x1, y1 = found.box
    draw_box(
        image,
        ((x0 - left) * factor, (y0 - top) * factor, (x1 - left) * factor, (y1 - top) * factor),
        _STROKE,
        ORANGE,
    )
    return jpeg(image, most, _LEAST_BYTES_SIDE)


def window(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """What is seen of an image: (left, top, right, bottom) in whole pixels, with all of a box in it.

    Args:
        box: xyxy, float pixels.
        size: (height, width) of the image.
    """
    reach = _AROUND * max(box[2] - box[0], box[3] - box[1])
    least = _LEAST * min(size)
    left, right = _span(box[0], box[2], reach, least, size[1])
    top, bottom = _span(box[1], box[3], reach, least, size[0])
    return left, top, right, bottom


def _span(low: float, high: float, reach: float, least: float, side: int) -> tuple[int, int]:
    """A stretch of a side around another one; where the side ends, it reaches farther the other way."""
    length = min(side, max(high - low + 2 * reach, least))
    start = min(max((low + high - length) / 2, 0.0), side - length)
    first = int(start)
    return first, min(side, max(first + 1, int(np.ceil(start + length))))
