"""The executor of several processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

from vlmscope.labels.executors.base import Task
from vlmscope.labels.executors.child import Work, serve
from vlmscope.labels.executors.crew import Crew, Hand

__all__ = ["ProcessExecutor"]

_PATIENCE = 5.0  # seconds for a process to end by itself


class _Process(Hand):
    """A process at the other end of a pipe."""

    def __init__(self, index: int, process: BaseProcess, connection: Connection) -> None:
        super().__init__(index)
        self.process = process
        self.connection = connection

    def send(self, work: Work) -> None:
        # one that has ended says so when its connection is read
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(work)

    def receive(self) -> Any:
        return self.connection.recv()

    def has_spoken(self) -> bool:
        return self.connection.poll()

    def end(self) -> None:
        self.process.kill()  # of one that has ended, this is nothing
        self.process.join()
        self.connection.close()

    def ending(self) -> str:
        return f" with exit code {self.process.exitcode}"


class ProcessExecutor(Crew[_Process]):
    """Processes that each load the model.

    Args:
        task: what to do.
        processes: how many.
    """

    advice: ClassVar[str] = (
        "Where the system ends processes for want of memory (-9), take fewer --workers or --dtype "
        "bfloat16. From a script, call label under: if __name__ == '__main__'."
    )

    def __init__(self, task: Task, processes: int) -> None:
        super().__init__(task, processes)
        self._context = multiprocessing.get_context("spawn")

    def close(self) -> None:
        """End the processes."""
        for hand in self._hands:
            hand.connection.close()  # each ends by itself when it sees this
        limit = time.monotonic() + _PATIENCE
        for hand in self._hands:
            hand.process.join(max(0.0, limit - time.monotonic()))
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()
        self._hands = []

    def _start(self, index: int) -> _Process:
        own, other = self._context.Pipe()
        process = self._context.Process(
            target=serve,
            args=(other, self._task, index, self._count),
            name=f"vlmscope-label-{index}",
            daemon=True,
        )
        process.start()
        other.close()  # or its end would never be seen
        return _Process(index, process, own)

    def _heard(self, seconds: float | None) -> list[_Process]:
        by_connection = {hand.connection: hand for hand in self._hands}
        return [by_connection[each] for each in wait(list(by_connection), seconds)]  # type: ignore[index]
