"""Whether a data set on disk can be used, and what it lacks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vlmscope.data.datasets.base import Dataset, DatasetKind, DatasetSource, Part, Skipped
from vlmscope.data.datasets.catalogue import DATASETS
from vlmscope.data.hub_sets import Fetched, fetched_set, of_address
from vlmscope.errors import BadImageError, BadOptionError, BadSampleError, MissingExtraError
from vlmscope.io import is_file

__all__ = ["PartCheck", "SetCheck", "check_dataset"]

_MOST = 100_000  # files of a part that are counted


@dataclass(frozen=True)
class PartCheck:
    """One thing that the folder has to hold.

    Attributes:
        contents: what it is.
        advice: how it is got.
        count: how many files of it were found.
        first: the first of them, relative to the folder, or "".
    """

    contents: str
    advice: str
    count: int
    first: str


@dataclass(frozen=True)
class SetCheck:
    """What was found out about a data set.

    Attributes:
        id: of the data set.
        root: its folder, its address on the hub, or "".
        split: the one that was opened; "" where the set has none.
        splits: all names.
        parts: what its folder has to hold.
        usable: whether it can be evaluated as it is.
        problem: why not, or "".
        partial: what would be evaluated with ``partial``, where that helps, or "".
        counts: how many images, objects and sentences.
        skipped: what is left out.
        protocol: what a report will say of it.
    """

    id: str
    root: str
    split: str
    splits: tuple[str, ...]
    parts: tuple[PartCheck, ...]
    usable: bool
    problem: str
    partial: str
    counts: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    protocol: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        fields = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return {
            **fields,
            "splits": list(self.splits),
            "parts": [asdict(part) for part in self.parts],
            "counts": dict(self.counts),
            "skipped": [each._asdict() for each in self.skipped],
            "protocol": dict(self.protocol),
        }


def check_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> SetCheck:
    """Look a data set over: its files, its listing and counts, and three of its images.

    Args:
        name: its id.
        root: its folder, or an address of the hub.
        split: the one to open; None: the usual one.
        columns: as :func:`vlmscope.data.datasets.open_dataset`.

    Raises:
        UnknownNameError: an unknown data set.
        BadOptionError: no folder for a set that needs one.
        BadSampleError: an address whose files cannot be fetched.
    """
    kind = DATASETS.get(name)
    fetched = fetched_set(root) if kind.parts else None
    folder = root if fetched is None else fetched.folder
    source = DatasetSource(folder, None, split, False, columns)
    if kind.parts and root is None:
        source.folder(name, "; ".join(part.contents for part in kind.parts))
    data, problem = _opened(kind, source, fetched)
    partial, problem = _partial(kind, source, data, problem)
    return SetCheck(
        kind.id,
        fetched.address if fetched else "" if root is None else os.fspath(root),
        split or (kind.splits[0] if kind.splits else ""),
        kind.splits,
        tuple(_found(part, folder) for part in kind.parts),
        data is not None and not problem,
        problem,
        partial,
        _counts(data),
        () if data is None else data.skipped,
        {} if data is None else dict(data.protocol),
    )


def _opened(
    kind: DatasetKind, source: DatasetSource, fetched: Fetched | None
) -> tuple[Dataset | None, str]:
    """The set, or why it cannot be opened. A set whose images cannot be is returned with a reason."""
    try:
        with of_address(fetched) if fetched is not None else contextlib.nullcontext():
            data = kind.open(source)
    except (BadSampleError, BadImageError, MissingExtraError) as error:
        return None, str(error)
    ids = data.image_ids
    for image_id in dict.fromkeys((ids[0], ids[len(ids) // 2], ids[-1])):
        try:
            data.load(image_id)
        except (BadSampleError, BadImageError, MissingExtraError) as error:
            return data, f"Image {image_id} cannot be used: {error}"
    return data, ""


def _partial(
    kind: DatasetKind, source: DatasetSource, data: Dataset | None, problem: str
) -> tuple[str, str]:
    """What ``partial`` would leave, where a split was refused; and the problem."""
    if data is not None:
        return "", problem
    try:
        opened = kind.open(
            DatasetSource(source.root, source.words, source.split, True, source.columns)
        )
    except (BadSampleError, BadImageError, MissingExtraError, BadOptionError):
        return "", problem
    return str(opened.protocol.get("partial", "")), problem


def _counts(data: Dataset | None) -> dict[str, int]:
    if data is None:
        return {}
    return dict(data.protocol.get("counts") or {"images": len(data.image_ids)})


def _found(part: Part, root: str | os.PathLike[str] | None) -> PartCheck:
    files = _files(part.patterns, Path(root)) if root is not None else []
    first = os.path.relpath(files[0], root) if files and root is not None else ""
    return PartCheck(part.contents, part.advice, len(files), first)


def _files(patterns: Sequence[str], root: Path) -> list[Path]:
    """The files of the first pattern that has some."""
    if is_file(root):
        return [root]
    for pattern in patterns:
        base, rest = root, pattern
        while rest.startswith("../"):  # beside the folder, where COCO's photographs often lie
            base, rest = base.resolve().parent, rest.removeprefix("../")
        files = list(islice(base.glob(rest), _MOST))
        if files:
            return sorted(files)
    return []
