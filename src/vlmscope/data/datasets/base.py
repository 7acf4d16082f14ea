"""What a data set is, and how one is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.asked import Asked, Described
from vlmscope.data.datasets.words import Name, WordList
from vlmscope.data.images import OpenedImage
from vlmscope.data.targets import Target
from vlmscope.errors import BadOptionError

__all__ = [
    "IGNORE",
    "NOWHERE",
    "Dataset",
    "DatasetKind",
    "DatasetSource",
    "EvalSample",
    "LabelledPoint",
    "Part",
    "Referent",
    "Skipped",
]

NOWHERE = Target((0.0, 0.0, 0.0, 0.0))
"""Where an absent thing is: a box without a pixel, which no point and no box hits."""

IGNORE = -1
"""Label of a pixel that counts for nothing. Readers turn the 255 or 0 of a format into this."""


class LabelledPoint(NamedTuple):
    """A pixel that somebody was asked about.

    Attributes:
        x, y: column and row of the upright image, whole numbers.
        says: ``"yes"``, ``"no"`` or ``"unsure"``.
    """

    x: int
    y: int
    says: str


class Skipped(NamedTuple):
    """An image that could not be used, and why."""

    image_id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Referent:
    """Something that is looked for in one image: a class, or what a sentence refers to.

    Attributes:
        label: the class, or the phrase itself.
        names: what it is called; several names share one object, the best of them counts.
        target: where it is: of several instances the box around all and the mask of all. Of what is
            absent :data:`NOWHERE`.
        id: of the sentence, unique within the data set; empty where the data set has none.
        instances: each object by itself; empty for an absent one, and where nobody tells them apart.
        absent: nothing in the image is meant: to find nothing is right.
        ignore: bool (height, width), pixels that count for nothing, or None.
        tags: what scores may be split by, such as ``category``.
        points: single places of which somebody said whether they show it.
    """

    label: str
    names: tuple[Name, ...]
    target: Target
    id: str = ""
    instances: tuple[Target, ...] = field(default=(), repr=False)
    absent: bool = False
    ignore: NDArray[np.bool_] | None = field(default=None, repr=False)
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    points: tuple[LabelledPoint, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class EvalSample:
    """One image with what is true of it.

    Attributes:
        image_id: unique within the data set.
        image: upright.
        referents: what is looked for, for pointing and referring.
        labels: int32 (height, width) of class indices and :data:`IGNORE`, for segmentation; or None.
        asked: what a model is asked to answer in words.
        described: what is true of a description in words, or None.
    """

    image_id: str
    image: OpenedImage
    referents: tuple[Referent, ...] = ()
    labels: NDArray[np.int32] | None = field(default=None, repr=False)
    asked: tuple[Asked, ...] = ()
    described: Described | None = None


class Dataset(Protocol):
    """An opened data set: a list of image ids, each of which can be loaded.

    Attributes:
        id: of its kind.
        digest: of what is true in it, so that results of two versions are never mixed.
        tasks: ids of the tasks it has truth for.
        masks: whether any of its referents has a mask.
        words: its classes and their names, in the order of the label maps.
        image_ids: in the order of evaluation.
        skipped: what its listing already says cannot be used.
        protocol: JSON values that a report has to state: sources, filters, what is ignored.
    """

    id: str
    digest: str
    tasks: tuple[str, ...]
    masks: bool
    words: WordList
    image_ids: Sequence[str]
    skipped: tuple[Skipped, ...]
    protocol: Mapping[str, Any]

    def load(self, image_id: str) -> EvalSample:
        """Read one image and its truth.

        Raises:
            BadImageError: a picture that cannot be read.
            BadSampleError: truth that is missing, damaged or does not fit the picture.
        """
        ...


@dataclass(frozen=True)
class DatasetSource:
    """Where a data set is and how its classes are called; None leaves it to the data set.

    Attributes:
        root: its folder.
        words: a word list, or the path of one.
        split: which part of it, by the name that its publishers use.
        partial: take a split that is cut short or misses images; its protocol says how much is left.
        columns: of a Parquet file, the name that is expected -> the name that the file has.
    """

    root: str | os.PathLike[str] | None = None
    words: WordList | str | os.PathLike[str] | None = None
    split: str | None = None
    partial: bool = False
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def folder(self, name: str, layout: str) -> str:
        """The folder of a data set that needs one.

        Raises:
            BadOptionError: none was given; says what has to be in it.
        """
        if self.root is None:
            raise BadOptionError(
                f"The data set {name} is read from a folder: --root PATH (root= in Python), "
                f"with {layout} in it."
            )
        return os.fspath(self.root)

    def refuse(self, name: str, *fields: str) -> None:
        """Raise BadOptionError for what was given although the data set takes no such thing."""
        for refused in fields:
            if getattr(self, refused) is not None:
                raise BadOptionError(
                    f"The data set {name} takes no {refused}, got {getattr(self, refused)}. "
                    "Leave it out."
                )


@dataclass(frozen=True)
class Part:
    """Something that a data set's folder has to hold.

    Attributes:
        patterns: globs relative to the folder; any of them will do.
        contents: what it is.
        advice: how it is got or made.
    """

    patterns: tuple[str, ...]
    contents: str
    advice: str


class DatasetKind(Protocol):
    """How a data set of one kind is opened.

    Attributes:
        id: explicit and unique.
        summary: one line.
        parts: what its folder has to hold; nothing for one that is rendered.
        splits: names of its parts, the usual one first; nothing where it has none.
    """

    @property
    def id(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def parts(self) -> tuple[Part, ...]: ...

    @property
    def splits(self) -> tuple[str, ...]: ...

    def open(self, source: DatasetSource) -> Dataset:
        """Read the listing; images are left for later.

        Raises:
            BadOptionError: a root or words that are missing, or given but not taken.
            BadSampleError: a listing that is missing or damaged.
        """
        ...
