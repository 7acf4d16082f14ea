"""JSON lists and objects that are written item by item, so that none is ever whole in memory."""

from __future__ import annotations

import json
from typing import Any, TextIO

__all__ = ["JsonItems", "compact"]


def compact(value: Any) -> str:
    """Strict JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class JsonItems:
    """The inside of a list or of an object, an item a line.

    Args:
        stream: the brackets around are the caller's.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.count = 0

    def add(self, value: Any, key: str | None = None) -> None:
        """One more item, under a key where it is of an object."""
        name = "" if key is None else f"{compact(key)}: "
        self._stream.write(f"{',' if self.count else ''}\n{name}{compact(value)}")
        self.count += 1
