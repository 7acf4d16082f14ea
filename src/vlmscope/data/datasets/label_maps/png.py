"""Label maps: pictures whose pixels are numbers of classes, not colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, shown_path

__all__ = ["read_label_numbers"]

_MODES = {"P", "L", "1", "I", "I;16", "I;16B", "I;16L", "I;16N"}
_WIDENED = {"L;2": 85, "L;4": 17}  # Pillow stretches grey of two and four bits to 0..255


def read_label_numbers(path: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    """The number of every pixel: of a palette picture its index, of a grey one its value.

    Args:
        path: a PNG with a palette, or grey with up to 16 bits.
        size: (height, width) of its image.

    Returns:
        int32 (height, width).

    Raises:
        BadSampleError: missing, damaged, of another size, or coloured.
    """
    if not is_file(path):
        raise BadSampleError(f"There is no label map {shown_path(path)}.")
    try:
        with Image.open(path) as picture:
            mode, (width, height) = picture.mode, picture.size
            if mode in _MODES and (height, width) == size:  # nothing else is worth decoding
                stretch = _WIDENED.get(_raw_mode(picture), 1)
                numbers = np.asarray(picture).astype(np.int32) // stretch
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        raise BadSampleError(
            f"The label map {shown_path(path)} is damaged: {error}. Get it again."
        ) from error
    if mode not in _MODES:
        raise BadSampleError(
            f"The label map {shown_path(path)} has colours (mode {mode}) in place of class numbers: "
            "save it with its palette, or grey with the number of a class in every pixel."
        )
    if (height, width) != size:
        raise BadSampleError(
            f"The label map {shown_path(path)} is {height}x{width} (height x width), its image is "
            f"{size[0]}x{size[1]}. Get both from one source, neither of them resized."
        )
    return numbers


def _raw_mode(picture: Image.Image) -> str:
    """How the file itself writes its pixels, as Pillow's decoder calls it; read before decoding."""
    tiles: list[Any] = list(getattr(picture, "tile", ()))
    raw = tiles[0][3] if tiles else ""
    return str(raw[0] if isinstance(raw, tuple) else raw)
