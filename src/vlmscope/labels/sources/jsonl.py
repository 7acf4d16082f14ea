"""Images that the rows of a JSON-lines file name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.rows import Row, text_field
from vlmscope.errors import BadPhraseError, BadSampleError, nearest, quoted
from vlmscope.io import is_file, shown_path, unread
from vlmscope.labels.sources.base import Columns, Item, Source, readable, texts_of

__all__ = ["JsonLines"]

_MARK = b"\xef\xbb\xbf"
_IMAGE = "image"


@dataclass(frozen=True)
class JsonLines(Source):
    """One object a line; paths are relative to the file. Read line by line, never as a whole.

    A row that cannot be used is an item with a fault, named ``line 17``.

    Attributes:
        file: the file.
        columns: its keys.
    """

    file: Path
    columns: Columns

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "jsonl",
            "place": readable(self.file.resolve()),
            "image": self.columns.image or _IMAGE,
            "id": self.columns.id,
        }

    def items(self) -> Iterator[Item]:
        for number, line in _numbered(self.file):
            try:
                yield self._item(Row(number, line.decode("utf-8"), self.file))
            except (BadPhraseError, BadSampleError) as error:
                fault = (type(error).__name__, f"Line {number}: {error}")
            except UnicodeDecodeError:
                fault = ("BadSampleError", f"Line {number} is not UTF-8 text.")
            else:
                continue
            yield Item(f"line {number}", fault=fault)

    def open(self, item: Item) -> str:
        return str(self.file.parent / item.place)

    def gone(self) -> str | None:
        return None if is_file(self.file) else f"The file {shown_path(self.file)} is gone."

    def _item(self, row: Row) -> Item:
        record = row.record()
        place = text_field(record, self.columns.image or _IMAGE)
        return Item(self._id(record, place), place, self._phrases(record))

    def _id(self, record: dict[str, Any], place: str) -> str:
        if self.columns.id is None:
            return place
        value = record.get(self.columns.id)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise BadSampleError(
                f"The key {self.columns.id!r} must hold an id, a text or a whole number, got "
                f"{value!r}. Keys: {quoted(list(record))}."
            )
        return str(value)

    def _phrases(self, record: dict[str, Any]) -> tuple[str, ...] | None:
        name = self.columns.phrase
        if name is None:
            return None
        phrases = texts_of(record.get(name))
        if phrases is None:
            close = nearest(name, record, 1)
            hint = f" Did you mean {close[0]!r}?" if name not in record and close else ""
            raise BadPhraseError(
                f"The key {name!r} must hold a phrase or a list of phrases, got "
                f"{record.get(name)!r}.{hint}"
            )
        return phrases


def _numbered(file: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1."""
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                line = line.removeprefix(_MARK) if number == 1 else line
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except OSError as error:
        raise BadSampleError(
            f"Cannot read the list {shown_path(file)}: {unread(error)}. Give a JSON-lines file with one "
            '{"image": ...} per line.'
        ) from error
