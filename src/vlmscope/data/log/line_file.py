"""Lines that are appended to a file and read back from where they begin, so that none stays in memory."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import IO

from vlmscope.errors import OutputError

__all__ = ["LineFile"]

_IN_MEMORY = 1 << 20
"""Bytes of lines without a file that are kept before a temporary file is made."""


class LineFile:
    """Lines in a file that only grows; in a temporary one, gone with this object, if there is no path.

    Args:
        path: of a file that is there and ends with a line feed, or None.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._reader: IO[bytes] | None = None

    def append(self, line: str) -> int:
        """Write a line without a line feed; returns where it begins.

        Raises:
            OutputError: a file that cannot be written.
        """
        data = f"{line}\n".encode()
        try:
            if self._path is None:
                return _write(self._stream(), data)
            # opened each time, so that nothing of a line that could not be written is written
            # later; and not made again where somebody took it away, without its header
            with self._path.open("r+b") as stream:
                return _write(stream, data)
        except OSError as error:
            raise OutputError(f"Cannot write {self._name}: {error.strerror or error}.") from error

    def read(self, offset: int) -> bytes:
        """The line that begins there, line feed included; empty behind the end.

        Raises:
            OutputError: a file that cannot be read.
        """
        try:
            stream = self._stream()
            stream.seek(offset)
            return stream.readline()
        except OSError as error:
            raise OutputError(f"Cannot read {self._name}: {error.strerror or error}.") from error

    def _stream(self) -> IO[bytes]:
        if self._reader is None:
            self._reader = _temporary() if self._path is None else self._path.open("rb")
            weakref.finalize(self, self._reader.close)
        return self._reader

    @property
    def _name(self) -> str:
        return (
            f"a temporary file in {tempfile.gettempdir()}"
            if self._path is None
            else f"{self._path}"
        )


def _temporary() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY)


def _write(stream: IO[bytes], data: bytes) -> int:
    offset = stream.seek(0, 2)
    stream.write(data)
    return offset
