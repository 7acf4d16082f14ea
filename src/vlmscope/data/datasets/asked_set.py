"""A data set of questions that are answered in words: listing, counts, and images one at a time."""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.asked import Asked, Described
from vlmscope.data.datasets.base import EvalSample, Referent, Skipped
from vlmscope.data.datasets.counts import Counts, Expected, check_counts, part_of
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import open_image
from vlmscope.errors import BadSampleError
from vlmscope.io import missing_file

__all__ = ["VAL_FOLDERS", "AskedListing", "AskedPicture", "AskedSet", "AskingSet"]

VAL_FOLDERS = ("val2014", "images", "images/val2014", "coco/val2014", "val2017", "")
"""Where the photographs of COCO's validation split lie."""


@dataclass(frozen=True)
class AskedPicture:
    """One image and what is asked of it.

    Attributes:
        name: of its file.
        asked: the questions.
        referents: what is looked for without an answer, if anything.
        described: what is true of a description, or None.
    """

    name: str
    asked: tuple[Asked, ...]
    referents: tuple[Referent, ...] = field(default=(), repr=False)
    described: Described | None = None

    @property
    def right(self) -> int:
        """How many of its questions are answered yes, or how many objects it shows."""
        if self.described is not None:
            return len(self.described.objects)
        return sum(bool(each.truth) for each in self.asked)


@dataclass(frozen=True)
class AskedListing:
    """What the files of a set say.

    Attributes:
        name: of set and split.
        task: the one task that it has truth for.
        pictures: image id -> picture.
        words: the objects.
        content: changes with whatever is true in it.
        problems: what cannot be used.
        protocol: JSON values for the report.
    """

    name: str
    task: str
    pictures: Mapping[str, AskedPicture] = field(repr=False)
    words: WordList
    content: bytes = field(repr=False)
    problems: tuple[Skipped, ...] = ()
    protocol: Mapping[str, Any] = field(default_factory=dict)


class AskingSet(ABC):
    """An opened set whose questions are answered in words.

    Attributes:
        pairs: whether objects are looked for on its images, so that methods have something to do.
    """

    pairs: bool = False

    @abstractmethod
    def first(self, images: int) -> Any:
        """So many of its images, as the same data set."""


class AskedSet(AskingSet):
    """An opened set.

    Attributes:
        pairs: see :class:`AskingSet`.

    Args:
        root: its folder, in or beside which the images lie.
        listing: what its files say.
        expected: how much it holds, where that is known.
        partial: take it although questions or images are missing.

    Raises:
        BadSampleError: not one question, another number than expected, or missing images.
    """

    masks = False

    def __init__(
        self, root: Path, listing: AskedListing, expected: Expected, partial: bool
    ) -> None:
        pictures = listing.pictures
        if not pictures:
            first = f" The first: {listing.problems[0].reason}" if listing.problems else ""
            raise BadSampleError(f"{listing.name} holds no image that can be asked about.{first}")
        places = image_paths(root, (each.name for each in pictures.values()), VAL_FOLDERS)
        self._paths = {key: places[each.name] for key, each in pictures.items()}
        reasons = {key: missing_file(path, "image file") for key, path in self._paths.items()}
        missing = [Skipped(key, reason) for key, reason in reasons.items() if reason is not None]
        self._pictures = {key: each for key, each in pictures.items() if reasons[key] is None}
        self._listed, self._expected = _counts(pictures.values()), expected
        counts = _counts(self._pictures.values())
        short = check_counts(
            listing.name, self._listed, counts, expected, missing, partial, listing.problems
        )
        self.id = listing.task
        self.pairs = any(each.referents for each in pictures.values())
        self.tasks: tuple[str, ...] = (listing.task,)
        self.image_ids: Sequence[str] = tuple(self._pictures)
        self.skipped: tuple[Skipped, ...] = (*listing.problems, *missing)
        self.words = listing.words
        content = listing.content + repr(counts).encode()
        self.digest = f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
        self.protocol: Mapping[str, Any] = {
            **listing.protocol,
            **expected.source,
            "counts": counts._asdict(),
            **({"partial": short} if short else {}),
        }

    def first(self, images: int) -> AskedSet:
        """Its first images, as the same data set; see :meth:`ReferringSet.first`."""
        if images >= len(self.image_ids):
            return self
        part = copy.copy(self)
        part.image_ids = self.image_ids[:images]
        if self._expected.numbers:
            used = _counts([self._pictures[image_id] for image_id in part.image_ids])
            size = part_of(used, self._listed, self._expected)
            noun = "image" if images == 1 else "images"
            part.protocol = {**self.protocol, "partial": f"{size} (limit: {images:,} {noun})"}
        return part

    def load(self, image_id: str) -> EvalSample:
        """Open one image; its questions come with it."""
        picture = self._pictures[image_id]
        image = open_image(self._paths[image_id])
        return EvalSample(
            image_id, image, picture.referents, asked=picture.asked, described=picture.described
        )


def _counts(pictures: Any) -> Counts:
    listed = list(pictures)
    return Counts(
        len(listed), sum(each.right for each in listed), sum(len(each.asked) for each in listed)
    )
