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
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["Sample", "grouped", "image_id", "read_sample", "sample_id"]

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
    """

    row: int
    image: ImageSource | OpenedImage
    phrase: str
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None


def read_sample(row: int, given: Any) -> Sample:
    """Take a row as it comes.

    Args:
        row: its number.
        given: ``(image, phrase)``, ``(image, phrase, box_or_mask)``, or an object with the
            attributes ``image`` and ``phrase`` and, perhaps, ``box`` and ``mask``.

    Raises:
        BadSampleError: when it is none of these, or its box or mask is no such thing.
    """
    if hasattr(given, "image") and hasattr(given, "phrase"):
        image, phrase = given.image, given.phrase
        box, mask = getattr(given, "box", None), getattr(given, "mask", None)
    elif isinstance(given, tuple | list) and len(given) in (2, 3):
        image, phrase = given[0], given[1]
        box, mask = _box_or_mask(given[2] if len(given) == 3 else None)
    else:
        raise BadSampleError(
            "A sample is (image, phrase), (image, phrase, box or mask), or an object with .image "
            f"and .phrase, got {_shown(given)}."
        )
    if not isinstance(phrase, str) or not phrase.strip():
        raise BadSampleError(f"The phrase of a sample must be text, got {phrase!r}.")
    return Sample(row, image, phrase, _checked_box(box), _checked_mask(mask))


def _shown(given: Any) -> str:
    size = f" of {len(given)}" if isinstance(given, tuple | list) else ""
    return f"{type(given).__name__}{size}"


def _box_or_mask(target: Any) -> tuple[Any, Any]:
    is_mask = isinstance(target, np.ndarray) and target.ndim == 2
    return (None, target) if is_mask else (target, None)


def _checked_box(box: Any) -> Box | None:
    if box is None:
        return None
    try:
        values = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise BadSampleError(f"A box is four numbers (x0, y0, x1, y1), got {box!r}.")
    x0, y0, x1, y1 = (float(value) for value in values)
    if not (x0 < x1 and y0 < y1):
        raise BadSampleError(
            f"A box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {box!r}. "
            "If it is (x, y, width, height), convert it."
        )
    return x0, y0, x1, y1


def _checked_mask(mask: Any) -> NDArray[np.bool_] | None:
    if mask is None:
        return None
    values = np.asarray(mask)
    if values.ndim != 2 or values.dtype.kind not in "bui" or not values.any():
        raise BadSampleError(
            "A mask is a bool array (height, width) that is True somewhere, got "
            f"{values.dtype} of shape {values.shape}."
        )
    return values.astype(bool)


def sample_id(pixels: NDArray[np.uint8], phrase: str) -> str:
    """A digest of what the model is shown: 12 digits of the picture, 8 of the phrase."""
    picture = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=6)
    picture.update(np.ascontiguousarray(pixels).data)
    words = hashlib.blake2b(phrase.strip().encode(), digest_size=4)
    return f"{picture.hexdigest()}-{words.hexdigest()}"


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
