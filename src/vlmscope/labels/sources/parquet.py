"""Images inside Parquet files, or whose paths stand in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vlmscope.data.parquet_rows import ParquetRows, Place
from vlmscope.errors import BadImageError, BadSampleError, MissingExtraError, nearest
from vlmscope.io import is_file, shown_path, unread
from vlmscope.labels.sources.base import Columns, Item, Source, readable, texts_of

__all__ = ["ParquetImages"]

_IMAGE = "image"


@dataclass(frozen=True)
class ParquetImages(Source):
    """Rows of Parquet files of the same columns.

    The column of images holds encoded bytes, ``{"bytes", "path"}`` as ``datasets`` writes it, or paths
    relative to the file. Without a column of ids an image is known by its path, or, where it lies
    inside, by its file and row: ``train-00000.parquet:17``.

    Attributes:
        files: in order.
        folder: what the names of files are counted from.
        columns: their names.
        name: of the whole, where that is not the folder: an address on the hub.
    """

    files: tuple[Path, ...]
    folder: Path
    columns: Columns
    name: str | None = None

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "parquet",
            "place": self.name or readable(self.folder.resolve()),
            "image": self._image,
            "id": self.columns.id,
        }

    def items(self) -> Iterator[Item]:
        inside = not self._by_path
        names = [self.columns.id, self.columns.phrase, None if inside else self._image]
        wanted = list(dict.fromkeys(name for name in names if name is not None))
        for place, row in self._scan(wanted):
            yield self._item(place, row, inside)

    def open(self, item: Item) -> str | bytes:
        if isinstance(item.place, str):
            return item.place
        cell = self._rows.row(Place(*item.place), [self._image])[self._image]
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if isinstance(data, bytes) and data:
            return data
        path = cell.get("path") if isinstance(cell, dict) else None
        if not path:
            raise BadImageError(f"The cell of {item.id} holds no image.")
        return str(self.files[item.place[0]].parent / path)

    def gone(self) -> str | None:
        lost = next((path for path in self.files if not is_file(path)), None)
        return None if lost is None else f"The file {shown_path(lost)} is gone."

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_rows"}

    @property
    def _image(self) -> str:
        return self.columns.image or _IMAGE

    @cached_property
    def _rows(self) -> ParquetRows:
        """The files, opened in this process; open files do not travel to another one."""
        names = [self.columns.id, self.columns.phrase, self._image]
        wanted = list(dict.fromkeys(name for name in names if name is not None))
        for path in self.files:
            _check_columns(path, wanted)
        return ParquetRows(self.files, wanted)

    @property
    def _by_path(self) -> bool:
        """Whether the images lie elsewhere and the column holds their paths."""
        return str(_schema(self.files[0]).field(self._image).type) in ("string", "large_string")

    def _scan(self, names: list[str]) -> Iterator[tuple[Place, dict[str, Any]]]:
        if names:
            yield from self._rows.scan(names)
            return
        for number, path in enumerate(self.files):
            for row in range(_opened(path).metadata.num_rows):
                yield Place(number, row), {}

    def _item(self, place: Place, row: dict[str, Any], inside: bool) -> Item:
        name = f"{self._file_name(place.file)}:{place.row}"
        path = None if inside else row[self._image]
        if not inside and not path:
            return Item(name, fault=("BadSampleError", f"{name} names no image."))
        id = row[self.columns.id] if self.columns.id is not None else path or name
        if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
            message = f"The column {self.columns.id!r} must hold an id in {name}, got {id!r}."
            return Item(name, fault=("BadSampleError", message))
        phrases = None
        if self.columns.phrase is not None:
            phrases = texts_of(row[self.columns.phrase])
            if phrases is None:
                message = (
                    f"The column {self.columns.phrase!r} must hold a phrase or a list of phrases, got "
                    f"{row[self.columns.phrase]!r}."
                )
                return Item(str(id), fault=("BadPhraseError", message))
        lies = list(place) if path is None else str(self.files[place.file].parent / path)
        return Item(str(id), lies, phrases)

    def _file_name(self, number: int) -> str:
        return readable(os.path.relpath(self.files[number], self.folder).replace(os.sep, "/"))


def _check_columns(path: Path, names: list[str]) -> None:
    columns = list(_schema(path).names)
    for name in names:
        if name not in columns:
            close = nearest(name, columns, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise BadSampleError(
                f"{shown_path(path)} has no column {name!r}.{hint} It has: {', '.join(columns)}. Say "
                "which are meant with --image-column, --id-column and --phrase-column."
            )


def _schema(path: Path) -> Any:
    return _opened(path).schema_arrow


def _opened(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Reading Parquet") from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise BadSampleError(f"Cannot read {shown_path(path)}: {unread(error)}.") from error
