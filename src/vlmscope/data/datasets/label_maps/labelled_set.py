"""Sets of semantic segmentation: photographs, and for each a map of the classes of its pixels.

A reader of a layout makes a :class:`MapListing`: which files belong together and what the numbers in
the maps stand for. Pictures are opened one at a time, when their turn comes.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import IGNORE, EvalSample, Skipped
from vlmscope.data.datasets.counts import Counts, Expected, check_counts, part_of
from vlmscope.data.datasets.label_maps.class_targets import AREA, class_targets
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.errors import BadSampleError
from vlmscope.io import missing_file

__all__ = ["LabelledPhoto", "LabelledSet", "MapListing", "MapReader"]

_END = 32  # bytes: the checksum of the last pixels stands before an empty chunk of 12

MapReader = Callable[[Path, tuple[int, int]], NDArray[np.int32]]
"""(file of a map, (height, width) of its image) -> int32 (height, width) of class indices and IGNORE;
raises BadSampleError for a map that does not fit."""


@dataclass(frozen=True)
class LabelledPhoto:
    """A photograph and its map.

    Attributes:
        id: unique within the split.
        image: its file.
        truth: the file of its map.
        read: how that file is read.
    """

    id: str
    image: Path
    truth: Path
    read: MapReader = field(repr=False)


@dataclass(frozen=True, eq=False)
class MapListing:
    """What a reader found.

    Attributes:
        name: the set and its split, for messages: ``voc21 val``.
        photos: in the order of evaluation.
        classes: the set's classes, in the order of the indices that ``read`` gives.
        ignored: which pixels count for nothing, for the report.
        problems: entries that cannot be used.
        protocol: further JSON values that a report states.
    """

    name: str
    photos: Sequence[LabelledPhoto]
    classes: Sequence[str]
    ignored: str
    problems: Sequence[Skipped] = ()
    protocol: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class LabelledSet:
    """An opened set of semantic segmentation.

    Args:
        id: of its kind.
        listing: what its reader found.
        words: some or all of its classes, in any order; pixels of the others are ignored.
        expected: how many images the split holds, where that is published.
        partial: take it although it holds fewer.

    Raises:
        BadSampleError: no image, missing files, or another count than expected.
    """

    tasks: tuple[str, ...] = ("segmentation", "presence", "pointing")
    masks = True

    def __init__(
        self, id: str, listing: MapListing, words: WordList, expected: Expected, partial: bool
    ) -> None:
        self.id = id
        self.words = words
        there, missing = _with_files(listing.photos)
        if not there and not missing:
            first = f" The first: {listing.problems[0].reason}" if listing.problems else ""
            raise BadSampleError(f"{listing.name} has no image.{first}")
        listed, usable = Counts(len(listing.photos), 0, 0), Counts(len(there), 0, 0)
        self._listed, self._expected = listed, expected
        short = check_counts(listing.name, listed, usable, expected, missing, partial)
        self._photos = {photo.id: photo for photo in there}
        self._indices = _own_to_words(listing.classes, words)
        self.image_ids: Sequence[str] = tuple(self._photos)
        self.skipped: tuple[Skipped, ...] = (*listing.problems, *missing)
        self.digest = _digest(listing, self._photos)
        left = [label for label in listing.classes if label not in words.classes]
        self.protocol: Mapping[str, Any] = {
            "split": listing.name,
            **listing.protocol,
            **expected.source,
            "classes": f"{len(words)} of {len(listing.classes)}",
            "background": words.background or "none: every class is a thing or stuff of its own",
            "ignored pixels": listing.ignored + (f"; and {', '.join(left)}" if left else ""),
            "targets": "all pixels of a class in an image together; the background is none",
            "target area": f"{AREA[0]:.0%} to {AREA[1]:.0%} of the image",
            "counts": usable._asdict(),
            **({"partial": short} if short else {}),
        }

    def first(self, images: int) -> LabelledSet:
        """Its first images, as the same data set.

        Where the split's size is published, ``partial`` in the protocol says how much of it they are.

        Args:
            images: how many; as many as there are, or more, is all.
        """
        if images >= len(self.image_ids):
            return self
        part = copy.copy(self)
        part.image_ids = self.image_ids[:images]
        if self._expected.numbers:
            size = part_of(Counts(images, 0, 0), self._listed, self._expected)
            limit = f"limit: {images:,} {'image' if images == 1 else 'images'}"
            part.protocol = {**self.protocol, "partial": f"{size} ({limit})"}
        return part

    def load(self, image_id: str) -> EvalSample:
        """Read one image, its label map and its targets."""
        photo = self._photos[image_id]
        image = open_image(photo.image)
        try:
            own = photo.read(photo.truth, image.size)
        except BadSampleError as error:
            raise BadSampleError(f"{error}{_turned(image)}") from error
        labels = self._indices[own]  # IGNORE is -1, the last entry
        referents = class_targets(labels, self.words, AREA, (self.words.background,))
        return EvalSample(image_id, image, tuple(referents), labels)


def _with_files(
    photos: Sequence[LabelledPhoto],
) -> tuple[list[LabelledPhoto], list[Skipped]]:
    """Photographs whose files are both there, and the others: known before a model loads."""
    there, missing = [], []
    for photo in photos:
        reason = missing_file(photo.image, "image file") or missing_file(photo.truth, "label map")
        if reason is None:
            there.append(photo)
        else:
            missing.append(Skipped(photo.id, reason))
    return there, missing


def _own_to_words(classes: Sequence[str], words: WordList) -> NDArray[np.int32]:
    """Int32 (classes + 1,): place in the word list of each of the set's classes; IGNORE last."""
    places = {label: index for index, label in enumerate(words.labels)}
    return np.array([*(places.get(label, IGNORE) for label in classes), IGNORE], dtype=np.int32)


def _digest(listing: MapListing, photos: Mapping[str, LabelledPhoto]) -> str:
    """Of ids and of what ends the maps' files: to read all of them would take minutes."""
    content = hashlib.sha256(f"{listing.name} {list(listing.classes)}".encode())
    for photo in photos.values():
        content.update(f"{photo.id} {photo.truth.name}".encode() + _end_of(photo.truth))
    return f"sha256:{content.hexdigest()[:16]}"


def _end_of(path: Path) -> bytes:
    """Size and last bytes of a file; those of a PNG hold a checksum of its pixels."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _END))
            return str(size).encode() + stream.read(_END)
    except OSError:  # it is read, and refused, when its turn comes
        return b""


def _turned(image: OpenedImage) -> str:
    turned = [note for note in image.notes if "EXIF" in note]
    return f" Of the image: {', '.join(turned)}." if turned else ""
