"""What goes where: results to stdout, notes, warnings and progress to stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from rich.cells import cell_len

from vlmscope.errors import SkippedWarning, VlmscopeWarning

__all__ = [
    "close_stdout",
    "emit",
    "emit_json",
    "emit_table",
    "note",
    "own_stdout",
    "own_warnings",
    "warn",
]


def emit(text: str) -> None:
    """One line of the result."""
    print(text)


def emit_json(value: Any) -> None:
    """The result as indented, strict JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The result as aligned text with two spaces between columns, never cut or wrapped."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(cell_len(row[index]) for row in cells) for index in range(len(columns))]
    for row in cells:
        padded = (
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )
        emit("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(str(value).split())


def note(text: str) -> None:
    """A line for the person, not for the pipe; where nobody can read it, it is lost and no more."""
    if sys.stderr is not None:
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:
            _to_nowhere(sys.stderr)


def warn(text: str) -> None:
    """Something the person should know of a result that was produced all the same."""
    note(f"warning: {' '.join(text.split())}")


@contextlib.contextmanager
def own_warnings() -> Iterator[None]:
    """Show vlmscope's warnings as lines on stderr and keep those of other libraries quiet."""

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        # what was skipped is listed by the command when it is done
        if issubclass(category, VlmscopeWarning) and not issubclass(category, SkippedWarning):
            warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default", VlmscopeWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def close_stdout() -> None:
    """Let the interpreter end without a complaint about a pipe that nobody reads."""
    if sys.stdout is not None:
        _to_nowhere(sys.stdout)


@contextlib.contextmanager
def own_stdout() -> Iterator[None]:
    """Throw away what libraries print in the block: only results may stand on stdout.

    By the descriptor, for those that are not written in Python do not ask ``sys.stdout``.
    """
    _flush(sys.stdout)
    try:
        before = os.dup(1)
    except OSError:  # a process may be started without one
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        yield
    finally:
        _flush(sys.stdout)
        os.dup2(before, 1)
        os.close(before)


def _flush(stream: TextIO | None) -> None:
    if stream is not None:
        stream.flush()


def _to_nowhere(stream: TextIO) -> None:
    """Throw away what a stream could not write, which would be tried again in the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
