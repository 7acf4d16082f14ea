"""Rows of large CSV files, one at a time."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path, unread

__all__ = ["table_rows"]


def table_rows(
    path: Path,
    columns: Sequence[str | tuple[str, ...]],
    optional: Sequence[str] = (),
    content: hashlib._Hash | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with their line numbers.

    Args:
        path: of the file: CSV in UTF-8, with a head.
        columns: that it has to have; several names stand for one that is spelled in several ways.
        optional: that it may have.
        content: takes in the text of the file.

    Yields:
        (line, values of ``columns`` and ``optional``); what a row does not have is ``""``.

    Raises:
        BadSampleError: missing, no text, no CSV, or without one of the columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(_hashed(stream, content))
            places = _places(path, next(reader, []), columns, optional)
            last = max(places, default=-1)
            for row in reader:
                if not row:
                    continue
                if len(row) <= last:
                    row = [*row, *[""] * (last + 1 - len(row))]
                yield reader.line_num, [row[place] if place >= 0 else "" for place in places]
    except (OSError, ValueError, csv.Error) as error:
        if isinstance(error, BadSampleError):
            raise
        reason = str(error) if isinstance(error, csv.Error) else unread(error)
        raise BadSampleError(
            f"Cannot read the table {shown_path(path)}: {reason}. Get the file again."
        ) from error


def _places(
    path: Path,
    head: Sequence[str],
    columns: Sequence[str | tuple[str, ...]],
    optional: Sequence[str],
) -> list[int]:
    """Where the columns stand; -1 for an optional one that is not there."""
    spellings = [each if isinstance(each, tuple) else (each,) for each in columns]
    lacking = [names[0] for names in spellings if not set(names) & set(head)]
    if lacking:
        raise BadSampleError(
            f"{shown_path(path)} has no column {', '.join(lacking)}; it has: "
            f"{', '.join(head)[:200] or 'none'}. Get the file as its publishers have it."
        )
    found = [next(head.index(name) for name in names if name in head) for names in spellings]
    return [*found, *(head.index(name) if name in head else -1 for name in optional)]


def _hashed(lines: Iterator[str], content: hashlib._Hash | None) -> Iterator[str]:
    for line in lines:
        if content is not None:
            content.update(line.encode())
        yield line
