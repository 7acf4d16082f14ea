"""Faults that are planted in the library, so that a check shows that it sees them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["forgets_finished", "repeats_finished", "writes_in_place", "writes_in_place_slowly"]


def writes_in_place(pause: float = 0) -> None:
    """Files are written where they are to stand."""
    import vlmscope.io

    @contextlib.contextmanager
    def in_place(path: str | os.PathLike[str]) -> Iterator[Path]:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        time.sleep(pause)
        yield target

    vlmscope.io.atomic_path = in_place


def writes_in_place_slowly() -> None:
    """The same, with half a second between making a file and filling it."""
    writes_in_place(0.5)


def forgets_finished() -> None:
    """Finished images are segmented again."""
    from vlmscope.export import ResultFolder

    ResultFolder.finished = lambda *_: None  # type: ignore[method-assign]


def repeats_finished() -> None:
    """Finished samples are measured again."""
    from vlmscope.data.resume import SampleLog

    SampleLog.__contains__ = lambda *_: False  # type: ignore[method-assign]
