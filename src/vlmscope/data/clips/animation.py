"""Frames of animated pictures (GIF, WebP, PNG), by Pillow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.data.clips.reel import Reel, check_sizes, sampled
from vlmscope.data.images import open_image
from vlmscope.errors import BadImageError
from vlmscope.io import shown_path

__all__ = ["read_animation"]

_DELAY = 100.0  # milliseconds: what browsers show a frame for that says 0 or nothing


def read_animation(path: Path, frames: int, max_pixels: int) -> Reel:
    """Frames of an animated picture with their times.

    Args:
        path: of the picture.
        frames: how many.
        max_pixels: larger ones are refused.

    Raises:
        BadImageError: no picture, a single one, or broken.
    """
    open_image(path, max_pixels=max_pixels)  # words whatever is wrong with it
    with Image.open(path) as image:
        total = int(getattr(image, "n_frames", 1))
        if total == 1:
            raise BadImageError(
                f"{shown_path(path)} holds one picture and is no clip. Give a video, an animated GIF, "
                "WebP or PNG, or a folder of frames; for a picture use ground."
            )
        indices, times = sampled(total, frames), _times(image, path, total)
        pixels = list(_shown(image, path, indices, max_pixels))
    check_sizes(pixels, [f"frame {index}" for index in indices])  # pages of a TIFF may differ
    return Reel(pixels, [times[index] for index in indices], indices, total)


def _times(image: Image.Image, path: Path, total: int) -> list[float]:
    """When each frame is shown, in seconds."""
    times, at = [], 0.0
    for index in range(total):
        _seek(image, path, index)
        times.append(at / 1000)
        at += float(image.info.get("duration") or _DELAY)
    return times


def _shown(
    image: Image.Image, path: Path, indices: Sequence[int], max_pixels: int
) -> Iterator[NDArray[np.uint8]]:
    for index in indices:
        _seek(image, path, index)
        yield open_image(image, max_pixels=max_pixels, name=shown_path(path)).pixels


def _seek(image: Image.Image, path: Path, index: int) -> None:
    try:
        image.seek(index)
        image.load()
    except (EOFError, OSError, SyntaxError, ValueError) as error:
        raise BadImageError(
            f"Frame {index} of {shown_path(path)} is broken: {error}. Get the file again."
        ) from error
