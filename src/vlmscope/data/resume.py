"""Long jobs: a bar over their items, and a log of finished ones, so that a job that was interrupted
goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vlmscope.data.log.line_file import LineFile
from vlmscope.data.log.offsets import Offsets
from vlmscope.errors import ModelMismatchError, OutputError, VlmscopeError
from vlmscope.io import is_there, shown_path, write_text
from vlmscope.progress import progress_bar

__all__ = ["Measured", "SampleLog", "how_many", "measured", "walk"]

_KIND = "vlmscope-samples/"
_FORMAT = f"{_KIND}2"
_CHECK = "check"  # the key of a line's digest

Item = TypeVar("Item")


class SampleLog:
    """What was measured of each sample, by its digest, in a file: of the user's, or a temporary one.

    The file is JSON lines: a header that says what was measured on which model and how, then one
    line per sample, appended when the sample is finished. A line that an interruption tore is
    dropped; one that is not as it was written, by its digest, is refused. Records are read back
    from the file, and only where they begin is kept: memory does not grow with what they hold.

    Args:
        path: of the file, or None.
        header: JSON values; a file with another header is refused.

    Raises:
        ModelMismatchError: the file is of another model or other options; says which differ.
        OutputError: a file that is no such log, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, header: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._offsets = Offsets()
        # through JSON, so that a tuple equals the list that is read back
        self._header = json.loads(json.dumps({"format": _FORMAT, **header}))
        if self._path is not None:
            self._open(self._path)
        self._lines = LineFile(self._path)
        if self._path is None:
            self._lines.append(json.dumps(self._header))

    def __contains__(self, digest: str) -> bool:
        return self._offsets.get(digest) is not None

    def __getitem__(self, digest: str) -> dict[str, Any]:
        offset = self._offsets.get(digest)
        if offset is None:
            raise KeyError(digest)
        record = _values(self._lines.read(offset))
        if record is None or record.get("id") != digest:
            raise OutputError(
                f"The state file {self._path} was changed while it was in use: the record of "
                f"{digest!r} is no longer where it was written. Start the same job again."
            )
        del record[_CHECK]
        return record

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, digest: str, record: dict[str, Any]) -> None:
        """Keep the record of a finished sample."""
        written = json.loads(json.dumps({"id": digest, **record}, allow_nan=False))
        line = json.dumps({**written, _CHECK: _digest(written)})
        self._offsets.put(digest, self._lines.append(line))

    def _open(self, path: Path) -> None:
        """Check the lines of a file, note where each begins and cut a torn one off; or begin one."""
        try:
            end = self._read(path) if is_there(path) else 0
            if end and end < path.stat().st_size:
                os.truncate(path, end)
        except OutputError:
            raise
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(
                f"Cannot read the state file {shown_path(path)}: {reason}."
            ) from error
        if not end:
            write_text(path, f"{json.dumps(self._header)}\n")

    def _read(self, path: Path) -> int:
        """Where the last whole line of a file ends, 0 for an empty one."""
        end = 0
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break
                if number == 1:
                    self._check(path, _parse(path, line.removeprefix(BOM_UTF8), "format"))
                else:
                    self._offsets.put(_checked(path, line, number)["id"], end)
                end += len(line)
            else:
                return end
        if not end:  # a header that is torn
            raise _foreign(path)
        return end

    def _check(self, path: Path, header: dict[str, Any]) -> None:
        if not header["format"].startswith(_KIND):
            raise _foreign(path)
        if header["format"] != _FORMAT:
            raise ModelMismatchError(
                f"The state file {path} was written by another version of vlmscope. Give another path, "
                "or delete it."
            )
        wrong = [key for key in self._header if header.get(key) != self._header[key]]
        if wrong:
            key = wrong[0]
            raise ModelMismatchError(
                f"The state file {path} was made with {key} {header.get(key)!r}, now it is "
                f"{self._header[key]!r}. Use the same model and options, or another state file."
            )


def _checked(path: Path, line: bytes, number: int) -> dict[str, Any]:
    """A line's record, if it is as it was written."""
    record = _parse(path, line, "id")
    if record.pop(_CHECK, None) != _digest(record):
        raise OutputError(
            f"Line {number} of the state file {path} is not as it was written. Delete "
            "the line, and its sample is computed again; or give another path."
        )
    return record


def _parse(path: Path, line: bytes, key: str) -> dict[str, Any]:
    """A line's values, which have a text by this key."""
    record = _values(line)
    if record is None or not isinstance(record.get(key), str):
        raise _foreign(path)
    return record


def _values(line: bytes) -> dict[str, Any] | None:
    """What a line says; None for one that is no JSON object."""
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _digest(record: dict[str, Any]) -> str:
    """Of a line's values, however they are spelled."""
    text = json.dumps(record, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _foreign(path: Path) -> OutputError:
    return OutputError(
        f"{path} is not a state file of vlmscope and will not be written over. "
        "Give another path, or delete it."
    )


class _RepeatError(VlmscopeError):
    """An item that was measured already."""


@dataclass(frozen=True)
class Measured:
    """What became of the items of a job.

    Attributes:
        ids: keys of the items that have a record in the log, in order; each occurs once.
        skipped: names of items that could not be used or repeat another, and why; not the items,
            whose images would be kept alive.
    """

    ids: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


def measured(
    items: Iterable[Item],
    log: SampleLog,
    measure: Callable[[Item], dict[str, Any]],
    *,
    key: Callable[[Item], str],
    name: Callable[[Item], str] = str,
    title: str,
    total: int | None = None,
    unit: str = "it",
    progress: bool = False,
    bad: tuple[type[VlmscopeError], ...] = (),
) -> Measured:
    """Measure every item that a log does not hold yet; one that repeats another counts once.

    Args:
        items: read one by one.
        log: where records go, each as soon as it is there.
        measure: makes an item's record.
        key: an item's name in the log.
        name, title, total, unit, progress, bad: as for :func:`walk`, for ``key`` and ``measure`` both.

    Raises:
        OutputError: a log that cannot be written.
    """
    ids: dict[str, None] = {}

    def step(item: Item) -> bool:
        digest = key(item)
        if digest in ids:
            raise _RepeatError("It shows and asks the same as an earlier one, which counts once.")
        before = digest in log
        if not before:
            log.add(digest, measure(item))
        ids[digest] = None
        return before

    skipped = walk(
        items,
        step,
        name=name,
        title=title,
        total=total,
        unit=unit,
        progress=progress,
        bad=(*bad, _RepeatError),
    )
    return Measured(tuple(ids), tuple(skipped))


def walk(
    items: Iterable[Item],
    step: Callable[[Item], bool | None],
    *,
    name: Callable[[Item], str] = str,
    title: str,
    total: int | None = None,
    unit: str = "it",
    progress: bool = False,
    bad: tuple[type[VlmscopeError], ...] = (),
) -> list[tuple[str, str]]:
    """Take a step for each item under a bar, and go on where an item is bad.

    Args:
        items: read one by one.
        step: what is done; returns whether there was nothing to do, because an earlier run did it.
        name: of an item that is left out.
        title: of the bar.
        total: how many items there are, where ``items`` does not say it.
        unit: what the bar counts.
        progress: show the bar (see :mod:`vlmscope.progress`), with the time left; it says how many
            items an earlier run did.
        bad: errors of ``step`` after which the item is left out; others end the walk.

    Returns:
        Names of items that were left out, and why.
    """
    skipped: list[tuple[str, str]] = []
    before = 0
    with progress_bar(items, title, total=total, unit=unit, progress=progress) as bar:
        for item in bar:
            try:
                if step(item):
                    before += 1
                    bar.initial = before  # what takes no time now says nothing of the time left
                    bar.set_postfix_str(f"{before} done before", refresh=False)
            except bad as error:
                skipped.append((name(item), str(error)))
    return skipped


def how_many(samples: Iterable[Any]) -> int | None:
    """How many samples there are, where that can be known before they are read."""
    return len(samples) if isinstance(samples, Sized) else None
