"""Rows of a sample list: an image, a phrase, and for verification where the object is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import ImageSource, OpenedImage
from vlmscope.data.rows import text_field
from vlmscope.data.shapes import box_of, mask_array
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["Sample", "grouped", "image_id", "picture_id", "read_sample", "sample_id"]

_GROUP = 32  # phrases that go through the model together on one image


@dataclass(frozen=True, eq=False)
class Sample:
    """One row.

    Attributes:
        row: its number in the list, from 0.
        image: anything that ``open_image`` takes.
        phrase: what is looked for.
        box: xyxy float pixels of the original image, or None.
        mask: bool (height, width) of the original image, or None.
        place: where the row comes from, for messages: ``row 0``, or ``line 1`` of a file.
    """

    row: int
    image: ImageSource | OpenedImage
    phrase: str
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None
    place: str = ""


def read_sample(row: int, source: Any) -> Sample:
    """Take a row as it comes.

    Args:
        row: its number.
        source: ``(image, phrase)``, ``(image, phrase, box_or_mask)``, or an object with the
            attributes ``image`` and ``phrase`` and, perhaps, ``box``, ``mask`` and ``place``.

    Raises:
        BadSampleError: when it is none of these, or its box or mask is no such thing.
    """
    if hasattr(source, "image") and hasattr(source, "phrase"):
        image, phrase = source.image, source.phrase
        box, mask = getattr(source, "box", None), getattr(source, "mask", None)
    elif isinstance(source, tuple | list) and len(source) in (2, 3):
        image, phrase = source[:2]
        box, mask = _box_or_mask(source[2] if len(source) == 3 else None)
    else:
        size = f" of {len(source)}" if isinstance(source, tuple | list) else ""
        raise BadSampleError(
            "A sample is (image, phrase), (image, phrase, box or mask), or an object with .image "
            f"and .phrase, got {type(source).__name__}{size}."
        )
    phrase = text_field({"phrase": phrase}, "phrase")
    place = getattr(source, "place", "") or f"row {row}"
    return Sample(row, image, phrase, box_of(box), mask_array(mask), place)


def _box_or_mask(target: Any) -> tuple[Any, Any]:
    is_mask = isinstance(target, np.ndarray) and target.ndim == 2
    return (None, target) if is_mask else (target, None)


def sample_id(pixels: NDArray[np.uint8], phrase: str) -> str:
    """A digest of what the model is shown: 12 digits of the picture, 8 of the phrase."""
    words = hashlib.blake2b(phrase.strip().encode(), digest_size=4)
    return f"{picture_id(pixels)}-{words.hexdigest()}"


def picture_id(pixels: NDArray[np.uint8]) -> str:
    """A digest of a picture, uint8 (height, width, 3): 12 digits."""
    picture = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=6)
    picture.update(np.ascontiguousarray(pixels).data)
    return picture.hexdigest()


def image_id(digest: str) -> str:
    """The picture's part of a :func:`sample_id`."""
    return digest.partition("-")[0]


def grouped(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Runs of consecutive samples on the same image, a few dozen at most."""
    run: list[Sample] = []
    for sample in samples:
        if run and (len(run) == _GROUP or not _same_image(run[-1].image, sample.image)):
            yield run
            run = []
        run.append(sample)
    if run:
        yield run


def _same_image(one: Any, two: Any) -> bool:
    paths = str | os.PathLike
    if isinstance(one, paths) and isinstance(two, paths):
        return os.fspath(one) == os.fspath(two)
    return one is two
