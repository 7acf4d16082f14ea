"""The data sets of the paper, found in folders of their names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

from vlmscope.data.datasets import open_dataset
from vlmscope.data.datasets.check import check_dataset
from vlmscope.data.datasets.referring import ReferringSet
from vlmscope.errors import BadImageError, BadOptionError, BadSampleError, MissingExtraError
from vlmscope.io import is_folder

__all__ = ["FAMILY", "TABLE", "PaperSplit", "find_splits", "split_named"]

FAMILY = ("refcoco", "refcoco+", "refcocog")
"""Sets on COCO train2014, which have a train split and share images."""

TABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "refcoco": ("val", "testA", "testB"),
        "refcoco+": ("val", "testA", "testB"),
        "refcocog": ("val", "test"),
        "reasonseg": ("val", "test"),
    }
)
"""The sets of the paper's tables with the splits that are scored."""

_FOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "refcoco+": ("refcoco+", "refcocoplus", "refcoco_plus"),
        "reasonseg": ("reasonseg", "ReasonSeg"),
    }
)
_UNUSABLE = (BadImageError, BadOptionError, BadSampleError, MissingExtraError)


@dataclass(frozen=True, eq=False)
class PaperSplit:
    """A split that the paper uses.

    Attributes:
        set: id of its data set.
        split: its name.
        data: opened; None: it is not there.
        missing: why not, as a clause.
    """

    set: str
    split: str
    data: ReferringSet | None = field(default=None, repr=False)
    missing: str = ""

    @property
    def name(self) -> str:
        """``refcoco val``."""
        return f"{self.set} {self.split}"

    @property
    def opened(self) -> ReferringSet:
        """The data of a split that is there."""
        assert self.data is not None, self.name
        return self.data

    @property
    def reservations(self) -> tuple[str, ...]:
        """Why nothing that is measured on it decides a claim."""
        protocol = {} if self.data is None else self.data.protocol
        part = protocol.get("partial")
        rendered = [f"{self.name} is a rendered set"] if "rendered" in protocol else []
        return (*([f"partial: {part}"] if part else []), *rendered)


def find_splits(root: str | os.PathLike[str], partial: bool) -> tuple[PaperSplit, ...]:
    """All splits of :data:`TABLE` and the train splits of :data:`FAMILY`, there or not.

    Args:
        root: a folder with a folder for each set, named as the set.
        partial: take a split that is cut short.

    Raises:
        BadSampleError: none of the sets is there.
    """
    place = Path(root)
    splits = [each for name in TABLE for each in _of_set(place, name, partial)]
    if all(each.data is None for each in splits):
        wanted = ", ".join(str(place / name) for name in TABLE)
        reasons = "; ".join(dict.fromkeys(each.missing for each in splits))
        raise BadSampleError(
            f"None of the paper's sets is in {place}: {reasons}. Put each into a folder of its name "
            f"({wanted})."
        )
    return tuple(splits)


def split_named(splits: tuple[PaperSplit, ...], name: str) -> PaperSplit | None:
    """The split ``refcoco val``, where it is there."""
    found = (each for each in splits if each.name == name and each.data is not None)
    return next(found, None)


def _of_set(root: Path, name: str, partial: bool) -> list[PaperSplit]:
    wanted = [*(["train"] if name in FAMILY else []), *TABLE[name]]
    names = _FOLDERS.get(name, (name,))
    folder = next((root / each for each in names if is_folder(root / each)), None)
    if folder is None:
        return [PaperSplit(name, split, missing=f"{name} is not there") for split in wanted]
    return [_opened(folder, name, split, partial) for split in wanted]


def _opened(folder: Path, name: str, split: str, partial: bool) -> PaperSplit:
    try:
        data = cast(ReferringSet, open_dataset(name, folder, split=split, partial=partial))
    except _UNUSABLE as error:
        return PaperSplit(
            name, split, missing=f"{name} {split}: {_why(folder, name, split, error)}"
        )
    return PaperSplit(name, split, data)


def _why(folder: Path, name: str, split: str, error: Exception) -> str:
    """Why a split cannot be opened, and what its folder lacks."""
    lacking = [
        f"there is none of {part.contents}"
        for part in check_dataset(name, folder, split=split).parts
        if not part.count
    ]
    return "; ".join([str(error).rstrip("."), *lacking])
