"""Boxes and masks as rows bring them, checked by themselves and against their image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import MAX_PIXELS, ImageSource, OpenedImage, open_image
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["box_of", "check_box_inside", "check_mask_size", "mask_array", "mask_picture"]

_TINY = 2  # pixels; in an image no larger a box of one pixel means what it says


def box_of(value: Any) -> Box | None:
    """A box; None stays None.

    Args:
        value: four numbers (x0, y0, x1, y1) in a list, tuple or array.

    Raises:
        BadSampleError: anything else, or corners the wrong way round.
    """
    if value is None:
        return None
    try:
        numbers = np.asarray(value, dtype=np.float64)
        # NumPy takes "3" and True for numbers
        words = any(isinstance(each, str | bool | np.bool_) for each in value)
    except (TypeError, ValueError, OverflowError):
        numbers, words = np.empty(0), False
    if numbers.shape != (4,) or words or not np.isfinite(numbers).all():
        raise BadSampleError(f"A box is four numbers [x0, y0, x1, y1], got {repr(value)[:60]}.")
    x0, y0, x1, y1 = (float(number) for number in numbers)
    if not (x0 < x1 and y0 < y1):
        raise BadSampleError(
            f"A box [x0, y0, x1, y1] needs x0 < x1 and y0 < y1, got {repr(value)[:60]}. "
            "If it is [x, y, width, height], convert it."
        )
    return x0, y0, x1, y1


def check_box_inside(box: Box, image_size: tuple[int, int]) -> None:
    """Refuse a box that does not touch its image, or is written in shares of it.

    Args:
        box: xyxy float pixels of the upright image.
        image_size: (height, width).

    Raises:
        BadSampleError: when it lies outside, or all of it within the first pixel.
    """
    height, width = image_size
    x0, y0, x1, y1 = box
    if min(box) >= 0 and max(box) <= 1 and max(height, width) > _TINY:
        raise BadSampleError(
            f"The box {list(box)} lies within the first pixel, so it seems to be written in shares of "
            f"the image. Give pixels: x times {width}, y times {height}."
        )
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise BadSampleError(
            f"The box {list(box)} lies outside the image, which is {width} wide and {height} high."
        )


def mask_array(value: Any) -> NDArray[np.bool_] | None:
    """A mask that came as an array; None stays None.

    Raises:
        BadSampleError: no whole or bool numbers of shape (height, width), or none that is true.
    """
    if value is None:
        return None
    values = np.asarray(value)
    if values.ndim != 2 or values.dtype.kind not in "bui" or not values.any():
        raise BadSampleError(
            "A mask is a bool array (height, width) that is True somewhere, got "
            f"{values.dtype} of shape {values.shape}."
        )
    return values.astype(bool)


def mask_picture(
    source: ImageSource | OpenedImage,
    image_size: tuple[int, int],
    *,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.bool_]:
    """A mask out of a picture: bool (height, width), True where the picture is not black.

    Args:
        source: anything that ``vlmscope.open_image`` takes.
        image_size: (height, width) that it must have.
        max_pixels: larger pictures are refused.

    Raises:
        BadImageError: no picture.
        BadSampleError: of another size.
    """
    opened = open_image(source, max_pixels=max_pixels)
    mask: NDArray[np.bool_] = opened.pixels.max(axis=2) > 0
    check_mask_size(mask, image_size, opened.name)
    return mask


def check_mask_size(
    mask: NDArray[np.bool_], image_size: tuple[int, int], name: str = "of the sample"
) -> None:
    """Refuse a mask that is not of its image's size.

    Args:
        mask: (height, width).
        image_size: (height, width).
        name: of the mask in the message.

    Raises:
        BadSampleError: says both sizes.
    """
    height, width = image_size
    if mask.shape != image_size:
        raise BadSampleError(
            f"The mask {name} is {mask.shape[1]} wide and {mask.shape[0]} high, the image {width} and "
            f"{height}. Masks belong to the original, upright image."
        )
