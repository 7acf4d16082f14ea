"""The executor of one process: this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vlmscope.labels.executors.base import Chunk, Finished, Task
from vlmscope.labels.executors.worker import Worker

__all__ = ["InsideExecutor"]


class InsideExecutor:
    """Labels where it is called; the model may be one that is loaded already.

    Args:
        task: what to do.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._worker: Worker | None = None

    def open(self) -> dict[str, Any]:
        """Load the model."""
        self._worker = Worker(self._task)
        return self._worker.identity

    def run(self, chunks: Iterator[Chunk], tick: Callable[[int], None]) -> Iterator[Finished]:
        """Chunk after chunk."""
        assert self._worker is not None, "open() comes first"
        for chunk in chunks:
            yield self._worker.label(chunk, tick)

    def close(self) -> None:
        """Let go of the model."""
        self._worker = None
