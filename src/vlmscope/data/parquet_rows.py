"""Rows of Parquet files, a few at a time: pictures inside them never pile up in memory.

What is held is the part of a file that its writer packed together, at most a row group (of sets on the
hub about a hundred rows), however many rows there are.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from vlmscope.data.images import OpenedImage, open_image
from vlmscope.errors import BadImageError, BadSampleError, MissingExtraError, nearest, quoted
from vlmscope.io import is_file

__all__ = ["ParquetRows", "Place", "picture_of", "shards", "stated_size"]

_BATCH = 8  # rows with pictures in memory at once
_LISTED = 512  # rows without
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.parquet$")


class Place(NamedTuple):
    """Where a row lies.

    Attributes:
        file: index of its file.
        row: its number in the file, from 0.
    """

    file: int
    row: int


class ParquetRows:
    """Files of the same columns, read as one.

    Args:
        files: in order.
        needed: names of the columns as the data set's card has them.
        columns: such a name -> the name that the files have.

    Raises:
        MissingExtraError: without pyarrow.
        BadSampleError: a file that is no Parquet, or has other columns; names them.
    """

    def __init__(
        self,
        files: Sequence[Path],
        needed: Sequence[str],
        columns: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.files = tuple(files)
        self._names = {name: columns.get(name, name) for name in needed}
        unknown = [name for name in columns if name not in self._names]
        if unknown:
            raise BadSampleError(
                f"The map names columns that are not read: {quoted(unknown)}. Read are: "
                f"{', '.join(needed)}."
            )
        self._readers = [_Reader(path) for path in self.files]
        for reader in self._readers:
            self._check(reader)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(reader.rows for reader in self._readers)

    @property
    def columns(self) -> list[str]:
        """Names of the first file's columns."""
        return self._readers[0].columns

    def scan(self, names: Sequence[str]) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Every row with some of its columns, in batches; pictures are best left out."""
        for number, reader in enumerate(self._readers):
            columns = [self._names[name] for name in names]
            for row, values in reader.scan(columns):
                yield Place(number, row), {name: values[self._names[name]] for name in names}

    def row(self, place: Place, names: Sequence[str]) -> dict[str, Any]:
        """One row. Rows that are asked for in order are read through once."""
        with self._lock:
            columns = tuple(self._names[name] for name in names)
            values = self._readers[place.file].row(place.row, columns)
        return {name: values[self._names[name]] for name in names}

    def _check(self, reader: _Reader) -> None:
        missing = [name for name, column in self._names.items() if column not in reader.columns]
        if missing:
            guess = {name: nearest(name, reader.columns, 1) for name in missing}
            maps = " ".join(f"--map {n}={g[0] if g else 'COLUMN'}" for n, g in guess.items())
            raise BadSampleError(
                f"{reader.path} has no column {quoted(missing)}. It has: "
                f"{', '.join(reader.columns)}. If one of them is meant: {maps}."
            )


@dataclass(eq=False)
class _Reader:
    """One file, and where the last row was read."""

    path: Path
    _file: Any = field(init=False)
    _waiting: Iterator[tuple[int, dict[str, Any]]] | None = field(init=False, default=None)
    _columns: tuple[str, ...] = field(init=False, default=())
    _next: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        parquet = _parquet()
        try:
            # with a buffer, pages are read as they are needed, not a whole row group ahead
            self._file = parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20)
        except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
            raise BadSampleError(
                f"Cannot read the Parquet file {self.path}: {str(error).strip().rstrip('.')}. Get it "
                "again; a pointer of Git LFS is no data."
            ) from error

    @property
    def rows(self) -> int:
        return int(self._file.metadata.num_rows)

    @property
    def columns(self) -> list[str]:
        return list(self._file.schema_arrow.names)

    def scan(self, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        row = 0
        for batch in self._batches(columns, range(self._file.num_row_groups), _LISTED):
            for values in batch.to_pylist():
                yield row, values
                row += 1

    def row(self, row: int, columns: tuple[str, ...]) -> dict[str, Any]:
        if self._waiting is None or columns != self._columns or row < self._next:
            self._waiting, self._columns = self._from(row, columns), columns
        for number, values in self._waiting:
            if number == row:
                self._next = row + 1
                return values
        raise BadSampleError(f"{self.path} has {self.rows} rows, row {row} is not among them.")

    def _from(self, row: int, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Rows from the beginning of the row group that holds one."""
        start, group = 0, 0
        metadata = self._file.metadata
        while group < self._file.num_row_groups:
            count = metadata.row_group(group).num_rows
            if row < start + count:
                break
            start, group = start + count, group + 1
        number = start
        for batch in self._batches(columns, range(group, self._file.num_row_groups), _BATCH):
            for offset in range(batch.num_rows):
                if number >= row:  # those before it are not turned into Python's objects
                    yield number, batch.slice(offset, 1).to_pylist()[0]
                number += 1

    def _batches(self, columns: Sequence[str], groups: range, size: int) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(size, row_groups=list(groups), columns=list(columns))
        except (OSError, ValueError) as error:
            raise BadSampleError(
                f"The Parquet file {self.path} is damaged: {str(error).strip().rstrip('.')}. Get it "
                "again."
            ) from error


def shards(root: Path, split: str, aliases: Sequence[str] = ()) -> list[Path]:
    """The Parquet files of a split: those whose names begin with it, in the folder or ``data/``.

    Args:
        root: the data set's folder, or one file.
        split: its name.
        aliases: other names of it.

    Raises:
        BadSampleError: none, or not all of them: ``-00000-of-00002`` says how many there are.
    """
    if is_file(root):
        return [root]
    files = [path for folder in (root / "data", root) for path in sorted(folder.glob("*.parquet"))]
    names = (split, *aliases)
    chosen = [path for path in files if any(_is_of(path, name) for name in names)]
    if not chosen:
        there = ", ".join(path.name for path in files[:5]) or "no Parquet file"
        raise BadSampleError(
            f"There is no Parquet file of the split {split!r} in {root} or {root / 'data'} (its name "
            f"begins with {' or '.join(names)}). Found: {there}."
        )
    _check_copies(chosen, split)
    _check_shards(chosen)
    return chosen


def _is_of(path: Path, name: str) -> bool:
    """``val-00000-of-00004.parquet``, ``ref-l4-val.parquet`` and ``val.parquet`` are of ``val``."""
    words = re.split(r"[-_.]", _SHARD.sub("", path.name).removesuffix(".parquet"))
    return name in words


def _check_copies(files: Sequence[Path], split: str) -> None:
    """The same rows would be read twice."""
    folders = {path.parent for path in files}
    numbered = [path for path in files if _SHARD.search(path.name)]
    if len(folders) > 1 or 0 < len(numbered) < len(files):
        one, other = (
            (numbered[0], next(path for path in files if path not in numbered))
            if len(folders) == 1
            else (files[0], next(path for path in files if path.parent != files[0].parent))
        )
        raise BadSampleError(
            f"The split {split!r} is there twice, as {one} and as {other}: two copies, or files of two "
            "versions. Keep those of one."
        )


def _check_shards(files: Sequence[Path]) -> None:
    numbers: dict[int, set[int]] = {}
    for path in files:
        match = _SHARD.search(path.name)
        if match:
            numbers_of_count = numbers.setdefault(int(match[2]), set())
            if int(match[1]) in numbers_of_count:
                raise BadSampleError(
                    f"Two files are number {match[1]} of {match[2]} of a split, one of them "
                    f"{path.name}: files of two splits or versions are mixed. Keep those of one."
                )
            numbers_of_count.add(int(match[1]))
    if len(numbers) > 1:
        raise BadSampleError(
            f"The files {quoted([path.name for path in files])} are of two versions of a split: they "
            f"count {' and '.join(map(str, sorted(numbers)))} files. Keep those of one."
        )
    for count, found in numbers.items():
        if len(found) < count:
            absent = sorted(set(range(count)) - found)
            raise BadSampleError(
                f"Of the {count} files of the split {len(absent)} are missing, the first number "
                f"{absent[0]:05d} (beside {files[0].name}). Get the rest."
            )


def picture_of(cell: Any, name: str) -> OpenedImage:
    """The picture in a cell, as ``datasets`` writes it: ``{"bytes", "path"}``, or plain bytes.

    Raises:
        BadImageError: nothing in it, or no picture.
    """
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(data, bytes) or not data:
        raise BadImageError(
            f"{name} has no picture inside: the cell holds {type(data).__name__}. Get the form of the "
            "data set that has its images inside."
        )
    return open_image(data, name=name)


def stated_size(row: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) that a row states of its image.

    Raises:
        BadSampleError: no whole numbers from 1.
    """
    height, width = row["height"], row["width"]
    if not all(isinstance(side, int) and side > 0 for side in (height, width)):
        raise BadSampleError(
            f"It states the size {height!r} x {width!r} (height x width), no whole numbers from 1."
        )
    return height, width


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Reading Parquet") from error
    return parquet
