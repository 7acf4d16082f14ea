"""COCO's forms of a mask: polygons, and run lengths as numbers or as COCO's text of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError, MissingExtraError

__all__ = [
    "MaskSource",
    "coco_mask",
    "has_polygons",
    "lengths_of_mask",
    "lengths_of_text",
    "lengths_text",
]

MaskSource = Callable[[tuple[int, int]], NDArray[np.bool_]]
"""Draws a mask, bool (height, width), when it is given the size of its image, (height, width)."""

_SHOWN = 60  # characters of a wrong value in a message


def coco_mask(segmentation: Any) -> MaskSource | None:
    """How a ``segmentation`` field is drawn; None: it is empty, so nobody drew it.

    Nothing is drawn yet, so that a data set of thousands of masks costs no more than its listing.

    Args:
        segmentation: a list of polygons [x, y, x, y, ...] in pixels, or ``{"counts", "size"}`` with
            counts as a list of numbers or as text, ``size`` being [height, width].

    Raises:
        BadSampleError: another form. What only drawing shows, run lengths that do not fit, is raised
            by the function that is returned.
    """
    if segmentation is None or (isinstance(segmentation, list | dict) and not segmentation):
        return None
    if isinstance(segmentation, list):
        if not all(_is_polygon(each) for each in segmentation):
            raise BadSampleError(
                "Polygons of a mask are lists of six or more numbers [x, y, x, y, ...], got "
                f"{repr(segmentation)[:_SHOWN]}."
            )
        return partial(_draw_polygons, segmentation)
    if not isinstance(segmentation, dict) or not {"counts", "size"} <= set(segmentation):
        raise BadSampleError(
            "A mask is a list of polygons or an object with counts and size, got "
            f"{repr(segmentation)[:_SHOWN]}."
        )
    counts, size = segmentation["counts"], segmentation["size"]
    if counts is None and size is None:  # how Parquet writes an object that is not there
        return None
    if not isinstance(size, list | tuple):
        raise BadSampleError(f"The size of a mask is [height, width], got {repr(size)[:_SHOWN]}.")
    return partial(_draw_lengths, counts, size)


def has_polygons(segmentation: Any) -> bool:
    """Whether drawing needs pycocotools: COCO's rule for polygons is its own.

    Raises:
        MissingExtraError: it does, and is not installed.
    """
    if not isinstance(segmentation, list) or not segmentation:
        return False
    _coco()
    return True


def lengths_of_mask(mask: NDArray[np.bool_]) -> list[int]:
    """The runs of a mask (height, width) down its columns, the first of pixels outside it."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = [0, *edges.tolist(), len(flat)]
    lengths = [end - start for start, end in pairwise(bounds)]
    return [0, *lengths] if flat[0] else lengths


def lengths_text(lengths: Sequence[int]) -> str:
    """Run lengths as COCO writes them: five bits a character, differences from the run before last."""
    letters = []
    for index, length in enumerate(lengths):
        value = length - lengths[index - 2] if index > 2 else length
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            letters.append(chr(48 + bits + (32 if more else 0)))
    return "".join(letters)


def lengths_of_text(text: str) -> list[int]:
    """The reverse of :func:`lengths_text`.

    Raises:
        BadSampleError: no such text.
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise BadSampleError(
                f"The run lengths of a mask hold {letter!r}, which COCO's text has not."
            )
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            value -= (1 << shift) if bits & 16 else 0
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value = shift = 0
    if shift:
        raise BadSampleError("The run lengths of a mask break off in the middle of a number.")
    return lengths


def _draw_lengths(counts: Any, size: Any, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    if list(size) != list(image_size):
        raise BadSampleError(
            f"The mask is of the size {list(size)} (height, width), its image of {list(image_size)}. "
            "Masks belong to the original, upright image."
        )
    if isinstance(counts, bytes):
        counts = counts.decode("latin1")
    lengths = lengths_of_text(counts) if isinstance(counts, str) else counts
    if not _are_lengths(lengths):
        raise BadSampleError(
            f"Run lengths of a mask are whole numbers from 0, got {repr(lengths)[:_SHOWN]}."
        )
    height, width = image_size
    if sum(lengths) != height * width:
        raise BadSampleError(
            f"The run lengths of a mask cover {sum(lengths):,} pixels, its image has "
            f"{height * width:,}."
        )
    values = np.arange(len(lengths)) % 2 == 1
    flat = np.repeat(values, np.asarray(lengths, dtype=np.int64))
    return flat.reshape((height, width), order="F")


def _are_lengths(lengths: Any) -> bool:
    return isinstance(lengths, list) and all(
        isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in lengths
    )


def _is_polygon(points: Any) -> bool:
    if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
        return False
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in points)
    return numbers and bool(np.isfinite(points).all())


def _draw_polygons(polygons: list[Any], image_size: tuple[int, int]) -> NDArray[np.bool_]:
    coco = _coco()
    parts = coco.frPyObjects(polygons, *image_size)
    mask: NDArray[np.bool_] = coco.decode(coco.merge(parts)).astype(bool)
    return mask


def _coco() -> Any:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise MissingExtraError("pycocotools", "coco", "Drawing COCO's polygons") from error
    return mask
