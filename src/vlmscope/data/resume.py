"""Long jobs: a bar over their items, and a log of finished ones, so that a job that was interrupted
goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vlmscope.errors import ModelMismatchError, OutputError, VlmscopeError
from vlmscope.io import is_there, shown_path, write_text
from vlmscope.progress import progress_bar

__all__ = ["Measured", "SampleLog", "how_many", "measured", "walk"]

_KIND = "vlmscope-samples/"
_FORMAT = f"{_KIND}2"
_CHECK = "check"  # the key of a line's digest

Item = TypeVar("Item")


class SampleLog:
    """What was measured of each sample, by its digest; in memory, and in a file if there is one.

    The file is JSON lines: a header that says what was measured on which model and how, then one
    line per sample, appended when the sample is finished. A line that an interruption tore is
    dropped; one that is not as it was written, by its digest, is refused.

    Args:
        path: of the file, or None.
        header: JSON values; a file with another header is refused.

    Raises:
        ModelMismatchError: the file is of another model or other options; says which differ.
        OutputError: a file that is no such log, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, header: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._records: dict[str, str] = {}  # as JSON, a fifth of what the values take
        # through JSON, so that a tuple equals the list that is read back
        self._header = json.loads(json.dumps({"format": _FORMAT, **header}))
        if self._path is not None:
            self._open(self._path)

    def __contains__(self, digest: str) -> bool:
        return digest in self._records

    def __getitem__(self, digest: str) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._records[digest])
        return record

    def __len__(self) -> int:
        return len(self._records)

    def add(self, digest: str, record: dict[str, Any]) -> None:
        """Keep the record of a finished sample."""
        text = json.dumps({"id": digest, **record}, allow_nan=False)
        self._records[digest] = text
        written = json.loads(text)
        line = json.dumps({**written, _CHECK: _digest(written)})
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror or error}.") from error

    def _open(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8-sig") if is_there(path) else ""
        except UnicodeDecodeError as error:
            raise _foreign(path) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"Cannot read the state file {shown_path(path)}: {reason}."
            ) from error
        # not splitlines(): a JSON text may hold the other separators of Unicode
        *lines, torn = text.split("\n")
        if lines:
            self._check(path, _parse(path, lines[0], "format"))
            for number, line in enumerate(lines[1:], start=2):
                record = _parse(path, line, "id")
                if record.pop(_CHECK, None) != _digest(record):
                    raise OutputError(
                        f"Line {number} of the state file {path} is not as it was written. Delete "
                        "the line, and its sample is computed again; or give another path."
                    )
                self._records[record["id"]] = json.dumps(record)
        elif torn:
            raise _foreign(path)
        if torn or not lines:
            whole = lines or [json.dumps(self._header)]
            write_text(path, "".join(f"{line}\n" for line in whole))

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


def _parse(path: Path, line: str, key: str) -> dict[str, Any]:
    """A line's values, which have a text by this key."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get(key), str):
        raise _foreign(path)
    return record


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
        progress: show the bar (see :mod:`vlmscope.progress`); it says how many items an earlier run did.
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
                    bar.set_postfix_str(f"{before} done before", refresh=False)
            except bad as error:
                skipped.append((name(item), str(error)))
    return skipped


def how_many(samples: Iterable[Any]) -> int | None:
    """How many samples there are, where that can be known before they are read."""
    return len(samples) if isinstance(samples, Sized) else None
