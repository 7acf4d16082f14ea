"""Panoptic pictures: the segment of every pixel, written into its colour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import BadSampleError
from vlmscope.io import is_file

__all__ = ["VOID", "class_labels", "read_segment_ids"]

VOID = 0
"""Segment id of pixels that nobody labelled."""


def read_segment_ids(path: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    """The segment id of every pixel, R + 256 G + 65536 B.

    Args:
        path: a PNG.
        size: (height, width) that it must have.

    Returns:
        int32 (height, width).

    Raises:
        BadSampleError: missing, damaged, not 8-bit RGB, or of another size.
    """
    if not is_file(path):
        raise BadSampleError(f"There is no panoptic picture {path}.")
    try:
        with Image.open(path) as picture:
            mode, (width, height) = picture.mode, picture.size
            if mode == "RGB" and (height, width) == size:  # nothing else is worth decoding
                colours = np.asarray(picture, dtype=np.int32)
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        raise BadSampleError(f"The panoptic picture {path} is damaged: {error}.") from error
    if mode != "RGB":
        raise BadSampleError(
            f"The panoptic picture {path} must be 8-bit RGB, its mode is {mode}: its colours are no "
            "segment ids."
        )
    if (height, width) != size:
        raise BadSampleError(
            f"The panoptic picture {path} is {height}x{width} (height x width), its image is "
            f"{size[0]}x{size[1]}."
        )
    ids: NDArray[np.int32] = colours[..., 0] + 256 * colours[..., 1] + 65536 * colours[..., 2]
    return ids


def class_labels(
    ids: NDArray[np.int32], classes: Mapping[int, int], ignore: int
) -> NDArray[np.int32]:
    """Class indices in place of segment ids.

    Args:
        ids: int32 (height, width), segment ids; :data:`VOID` is ignored.
        classes: segment id -> class index, or ``ignore``; every segment of the image.
        ignore: index of pixels that do not count.

    Returns:
        int32 (height, width).

    Raises:
        BadSampleError: a listed segment without a pixel, or pixels of a segment that is not listed.
    """
    known = np.array(sorted({VOID, *classes}), dtype=np.int64)
    values = np.array([classes.get(int(segment), ignore) for segment in known], dtype=np.int32)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    foreign = known[places] != ids
    if foreign.any():
        first = int(ids[foreign][0])
        raise BadSampleError(
            f"{int(foreign.sum())} pixels of the panoptic picture belong to segments that the "
            f"annotation does not list, the first to {first}. Was the picture compressed with loss?"
        )
    found = np.bincount(places.ravel(), minlength=len(known))
    absent = [int(s) for s, n in zip(known, found, strict=True) if n == 0 and s in classes]
    if absent:
        raise BadSampleError(
            f"The annotation lists segments that the panoptic picture does not hold: {absent[:5]}."
        )
    labels: NDArray[np.int32] = values[places]
    return labels
