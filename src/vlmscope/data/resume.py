"""A log of finished samples: a long job that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from vlmscope.errors import ModelMismatchError, OutputError
from vlmscope.io import write_text

__all__ = ["SampleLog"]

_FORMAT = "vlmscope-samples/1"


class SampleLog:
    """What was measured of each sample, by its digest; in memory, and in a file if there is one.

    The file is JSON lines: a header that says what was measured on which model and how, then one
    line per sample, appended when the sample is finished. A line that an interruption tore is
    dropped.

    Args:
        path: of the file, or None.
        header: JSON values; a file with another header is refused.

    Raises:
        ModelMismatchError: the file is of another model or other options; says which differ.
        OutputError: a file that is no such log, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, header: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._records: dict[str, dict[str, Any]] = {}
        # through JSON, so that a tuple equals the list that is read back
        self._header = json.loads(json.dumps({"format": _FORMAT, **header}))
        if self._path is not None:
            self._open(self._path)

    def __contains__(self, digest: str) -> bool:
        return digest in self._records

    def __getitem__(self, digest: str) -> dict[str, Any]:
        return self._records[digest]

    def __len__(self) -> int:
        return len(self._records)

    def add(self, digest: str, record: dict[str, Any]) -> None:
        """Keep the record of a finished sample."""
        line = json.dumps({"id": digest, **record}, allow_nan=False)
        self._records[digest] = json.loads(line)
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror or error}.") from error

    def _open(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise OutputError(f"Cannot read the state file {path}: {error}.") from error
        lines = text.splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        if whole:
            self._check(path, whole[0])
            for line in whole[1:]:
                record = self._parse(path, line)
                self._records[record["id"]] = record
        elif text:
            raise _foreign(path)
        if len(whole) < len(lines) or not whole:
            write_text(path, "".join(whole) or json.dumps(self._header) + "\n")

    def _check(self, path: Path, line: str) -> None:
        found = self._parse(path, line)
        if found.get("format") != _FORMAT:
            raise _foreign(path)
        wrong = [key for key in self._header if found.get(key) != self._header[key]]
        if wrong:
            key = wrong[0]
            raise ModelMismatchError(
                f"The state file {path} was made with {key} {found.get(key)!r}, now it is "
                f"{self._header[key]!r}. Use the same model and options, or another state file."
            )

    def _parse(self, path: Path, line: str) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict) or not ("id" in record or "format" in record):
            raise _foreign(path)
        return record


def _foreign(path: Path) -> OutputError:
    return OutputError(
        f"{path} is not a state file of vlmscope and will not be written over. "
        "Give another path, or delete it."
    )
