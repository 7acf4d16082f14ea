"""Large JSON files, one element at a time: what is kept in memory is what the caller keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path, unread

__all__ = ["stream_lists"]

_CHUNK = 1 << 20  # characters read at a time
_LARGEST = 1 << 28  # characters of one element
_SPACE = " \t\r\n"
_ENDS = (*_SPACE, ",", "]", "}", ":")  # what may follow a value


def stream_lists(path: Path) -> Iterator[tuple[str, Any]]:
    """The elements of every list of the object that a file holds.

    Args:
        path: a JSON object in UTF-8.

    Yields:
        (key, element), in the order of the file; values that are no lists are passed over.

    Raises:
        BadSampleError: missing, no JSON object, cut off, or with an element of 256 MB and more.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            yield from _Text(stream).lists()
    except (OSError, ValueError) as error:
        if isinstance(error, BadSampleError):
            raise
        raise BadSampleError(
            f"Cannot read the annotations {shown_path(path)}: {unread(error)}. Get the file again."
        ) from error


class _Text:
    """The part of a file that is being looked at."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text, self._at, self._ended = "", 0, False
        self._decoder = json.JSONDecoder()

    def lists(self) -> Iterator[tuple[str, Any]]:
        self._take("{")
        while self._next() != "}":
            key = self._value()
            self._take(":")
            if self._next() == "[":
                self._take("[")
                while self._next() != "]":
                    yield key, self._value()
                    self._separate("]")
                self._take("]")
            else:
                self._value()
            self._separate("}")

    def _next(self) -> str:
        """The next character that is no space, which stays where it is."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_CHUNK):
                raise ValueError("it breaks off before its end")

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"it has {self._next()!r} where {character!r} belongs")
        self._at += 1

    def _separate(self, end: str) -> None:
        if self._next() != end:
            self._take(",")
            if self._next() == end:
                raise ValueError(f"it has a comma before {end!r}")

    def _value(self) -> Any:
        self._next()
        wanted = _CHUNK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more(wanted):
                    raise
            else:
                # a number may go on, and what was read end behind its point
                if self._text[end : end + 1] in _ENDS or not self._more(wanted):
                    self._at = end
                    return value
            wanted *= 2
            if wanted > _LARGEST:
                raise ValueError(f"an element has more than {_LARGEST:,} characters")

    def _more(self, count: int) -> bool:
        """Read on, and let go of what was used; False at the end of the file."""
        if self._ended:
            return False
        new = self._stream.read(count)
        self._ended = len(new) == 0
        self._text, self._at = self._text[self._at :] + new, 0
        return not self._ended
