"""A JSON-lines file as a list that can be gone through again: what is wrong with a row is known before
its image is opened, and what cannot be used is left out with its line and the reason."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from vlmscope.data.images import MAX_PIXELS, OpenedImage, open_image
from vlmscope.data.keys import unread_keys
from vlmscope.data.rows import Row, list_file, read_rows
from vlmscope.errors import BadImageError, BadSampleError, VlmscopeWarning, quoted, shortened
from vlmscope.io import missing_file

__all__ = ["ImageOpener", "Located", "RowFile", "SkippedRow"]


_KEY = 40  # characters of a key in a message


@dataclass(frozen=True)
class SkippedRow:
    """A row that could not be used.

    Attributes:
        line: its line in the file, from 1.
        reason: why.
    """

    line: int
    reason: str


class ImageOpener:
    """Opens images; of rows in a run that name the same file only the first opens it.

    Args:
        max_pixels: larger images are refused.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._last: tuple[str, OpenedImage] | None = None

    def open(self, source: Any) -> OpenedImage:
        """As ``open_image``. Arrays and the like are not kept: they may change between rows."""
        if not isinstance(source, str | os.PathLike):
            return open_image(source, max_pixels=self.max_pixels)
        path = os.fspath(source)
        if self._last is None or self._last[0] != path:
            self._last = path, open_image(path, max_pixels=self.max_pixels)
        return self._last[1]


class Located(Protocol):
    """What a row holds before its image is opened."""

    @property
    def line(self) -> int:
        """The row's line in the file, from 1."""
        ...

    @property
    def image(self) -> Path:
        """Where its image lies."""
        ...

    @property
    def mask(self) -> Path | None:
        """Where its mask lies, if it has one."""
        ...


Entry = TypeVar("Entry", bound=Located)
Item = TypeVar("Item")


class RowFile(ABC, Generic[Entry, Item]):
    """The usable rows of a JSON-lines file. A row that repeats another counts once.

    Args:
        source: the file, or a folder that holds ``samples.jsonl``.
        max_pixels: larger images are skipped.

    Raises:
        BadSampleError: no such file, or when no row is usable.
    """

    kind: ClassVar[str]
    """What the list is called in messages."""
    example: ClassVar[str]
    """A row, for messages."""
    fields: ClassVar[Sequence[Sequence[str]]]
    """Of each field the names by which it is known."""

    def __init__(self, source: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> None:
        self._file = list_file(source)
        self._max_pixels = max_pixels
        self._skipped: dict[int, str] = {}
        self._entries: list[Entry] = []
        unread: Counter[str] = Counter()
        first: dict[bytes, int] = {}
        for row in read_rows(self._file, self.kind, self.example):
            try:
                record = row.record()
                unread.update(unread_keys(record, self.fields))
                entry = self._checked(self._entry(row, record))
                self._check_repeat(row, record, first)
            except BadSampleError as error:
                self._skipped[row.number] = shortened(str(error))
            else:
                self._entries.append(entry)
        self._warn_of(unread)
        if not self._entries:
            raise self._unusable()

    @abstractmethod
    def _entry(self, row: Row, record: dict[str, Any]) -> Entry:
        """What a row holds; its image stays closed.

        Raises:
            BadSampleError: a row that cannot be used.
        """

    @abstractmethod
    def _item(self, entry: Entry, images: ImageOpener) -> Item:
        """What a row stands for, opened.

        Raises:
            BadImageError, BadSampleError: what only the opened image shows.
        """

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Rows left out so far, by line."""
        return tuple(SkippedRow(line, self._skipped[line]) for line in sorted(self._skipped))

    @property
    def entries(self) -> Sequence[Entry]:
        """The rows that can be used as far as their text shows; no image has been opened."""
        return tuple(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Item]:
        images = ImageOpener(self._max_pixels)
        usable = 0
        for entry in self._entries:
            try:
                item = self._item(entry, images)
            except (BadImageError, BadSampleError) as error:
                self._skipped[entry.line] = shortened(str(error))
                continue
            usable += 1
            yield item
        if not usable:
            raise self._unusable()

    @staticmethod
    def _checked(entry: Entry) -> Entry:
        for kind, path in (("image", entry.image), ("mask", entry.mask)):
            reason = None if path is None else missing_file(path, f"{kind} file")
            if reason is not None:
                raise BadSampleError(reason)
        return entry

    def _check_repeat(self, row: Row, record: dict[str, Any], first: dict[bytes, int]) -> None:
        read = {name: record[name] for names in self.fields for name in names if name in record}
        text = json.dumps(read, sort_keys=True).encode()
        line = first.setdefault(hashlib.blake2b(text, digest_size=16).digest(), row.number)
        if line != row.number:
            raise BadSampleError(f"It repeats line {line}, which counts once.")

    def _warn_of(self, unread: Counter[str]) -> None:
        if unread:
            names = ", ".join(each[0] for each in self.fields)
            keys = quoted([key[:_KEY] for key in sorted(unread)])
            warnings.warn(
                f"Keys of {self._file} that are not read: {keys}. Read are: {names}.",
                VlmscopeWarning,
                stacklevel=4,
            )

    def _unusable(self) -> BadSampleError:
        if not self._skipped:
            return BadSampleError(
                f"The {self.kind} {self._file} is empty. Write one {self.example} per line."
            )
        first = self.skipped[0]
        return BadSampleError(
            f"None of the {len(self._skipped)} rows of {self._file} can be used. "
            f"Line {first.line}: {first.reason}"
        )
