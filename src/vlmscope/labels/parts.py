"""The finished parts of a job: what is in them is read from their ends, and never computed twice."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from vlmscope.data.log.offsets import Offsets
from vlmscope.errors import OutputError
from vlmscope.io import atomic_path, shown_path, unread
from vlmscope.labels.footers import Failure, Footer, Key, encoded, footer_of, id_digest
from vlmscope.labels.labelled import Row

__all__ = ["PartStore", "make_folder"]


@dataclass
class PartStore:
    """The folder of parts.

    Attributes:
        folder: where they lie.
        done: for the digest of every image that has a part, that of its phrases.
        failures: images that failed, by class of error; the first of them is the first that was met.
        images, rows: how many there are.
        damaged: parts that were cut off; they were put aside, and their images are looked at again.
    """

    folder: Path
    done: Offsets = field(default_factory=Offsets)
    failures: dict[str, Failure] = field(default_factory=dict)
    images: int = 0
    rows: int = 0
    damaged: list[Path] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path, keys: bool = True) -> PartStore:
        """Look through the parts that there are.

        Args:
            folder: where they lie.
            keys: False: only counts are wanted, and ``done`` stays empty.

        Raises:
            OutputError: a folder that cannot be read or written, or a Parquet file of something else.
        """
        make_folder(folder)
        store = cls(folder)
        for path in store.paths():
            footer = store._footer(path)
            if footer is not None:
                store._count(footer, keys=keys)
        return store

    def paths(self) -> list[Path]:
        """The parts, by name; a hidden file is one that is being written, or was when its writer died."""
        paths = self.folder.glob("*.parquet")
        return sorted(path for path in paths if not path.name.startswith("."))

    def state(self, key: Key) -> Literal["new", "done", "changed"]:
        """Whether an image has rows; ``changed``: it has, of other phrases than it has now."""
        phrases = self.done.get(key.id.hex())
        if phrases is None:
            return "new"
        return "done" if phrases == _number(key.phrases) else "changed"

    def write(self, name: str, data: bytes) -> None:
        """Put a part in its place, whole and on the disk, or not at all.

        Raises:
            OutputError: a full disk, or a folder that cannot be written.
        """
        path = self.folder / f"{name}.parquet"
        before = self._footer(path) if path.exists() else None
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        _sync_folder(self.folder)
        if before is not None:
            self._count(before, -1)
        self._count(footer_of(io.BytesIO(data)))

    def failed(self) -> Iterator[tuple[Path, list[str]]]:
        """Parts with images that failed, and the ids of these."""
        for path in self.paths():
            if _read(path).failed:
                rows = _table(path, ["id", "error"]).to_pylist()
                yield path, [row["id"] for row in rows if row["error"] is not None]

    def patched(self, path: Path, data: bytes) -> bytes:
        """A part with the rows of some of its images taken from another one."""
        new: dict[str, list[Row]] = {}
        for row in _table(io.BytesIO(data)).to_pylist():
            new.setdefault(row["id"], []).append(row)
        old: dict[str, list[Row]] = {}
        for row in _table(path).to_pylist():
            old.setdefault(row["id"], []).append(row)
        keys = {key.id: key for key in (*_read(path).keys, *footer_of(io.BytesIO(data)).keys)}
        rows = [row for id, own in old.items() for row in new.get(id, own)]
        order = [keys[id_digest(id)] for id in old]
        return encoded(order, rows)

    def _count(self, footer: Footer, sign: int = 1, keys: bool = True) -> None:
        self.images += sign * len(footer.keys)
        self.rows += sign * footer.rows
        for kind, each in footer.failures.items():
            first = self.failures.get(kind, Failure(0, each.id, each.message))
            self.failures[kind] = replace(first, count=first.count + sign * each.count)
        if sign > 0 and keys:
            for key in footer.keys:
                self.done.put(key.id.hex(), _number(key.phrases))

    def _footer(self, path: Path) -> Footer | None:
        """What a part says; None: it was cut off and is put aside."""
        from pyarrow import ArrowInvalid

        try:
            return _read(path)
        except ArrowInvalid as error:  # a ValueError
            aside = path.with_suffix(".damaged")
            try:
                path.replace(aside)
            except OSError as failure:
                raise OutputError(
                    f"The part {shown_path(path)} is damaged ({unread(error)}) and cannot be put aside: "
                    f"{failure.strerror}."
                ) from failure
            self.damaged.append(aside)
            return None


def make_folder(folder: Path) -> None:
    """A folder, unless it is there.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the folder {shown_path(folder)}: {error.strerror or error}. Choose another "
            "folder for --out."
        ) from error


def _read(path: Path) -> Footer:
    try:
        return footer_of(path)
    except KeyError as error:
        raise OutputError(
            f"{shown_path(path)} is no part of a job of labels. Take it out of the folder."
        ) from error


def _table(source: Any, columns: Sequence[str] | None = None) -> Any:
    from pyarrow import parquet

    with parquet.ParquetFile(source) as file:
        return file.read(None if columns is None else list(columns))


def _number(phrases: bytes) -> int:
    """Of what :class:`Offsets` takes, which is at least 1 and less than 2 ** 64."""
    return (int.from_bytes(phrases, "big") | 1) if any(phrases) else 2


def _sync_folder(folder: Path) -> None:
    """Let the rename last, too; where a folder cannot be synced, the system does without."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
