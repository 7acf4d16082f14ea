"""Ways to kill a command while it works, each at a place that a number names.

All of them end the process where it stands: no line of Python runs after them.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Byte", "Change", "Moment", "Process", "Step", "Strike", "count_steps", "until"]

_OPERATIONS = {"open": 0, "os.rename": 1, "os.remove": 0, "os.mkdir": 0}
"""Audit events -> which of their arguments is the path that changes."""


class Process(Protocol):
    """A command that runs."""

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code, negative for a signal; None: it has not ended after so long."""

    def kill(self) -> None:
        """SIGKILL; nothing, where it has ended."""


@dataclass(frozen=True)
class Strike:
    """Kills never; the kinds below do."""

    def inside(self, folder: Path) -> None:
        """In the command's process, before it begins."""

    def outside(self, process: Process, folder: Path) -> None:
        """In the process that started it; returns when it is dead or done."""
        process.wait()


@dataclass(frozen=True)
class Moment(Strike):
    """SIGKILL after some seconds."""

    seconds: float

    def outside(self, process: Process, folder: Path) -> None:
        process.wait(self.seconds)
        process.kill()


@dataclass(frozen=True)
class Change(Strike):
    """SIGKILL as soon as a change in the folder is seen: the first, the second, ..."""

    number: int

    def outside(self, process: Process, folder: Path) -> None:
        seen, changes = _state(folder), 0

        def enough() -> bool:
            nonlocal seen, changes
            before, seen = seen, _state(folder)
            changes += before != seen
            return changes >= self.number

        until(process, enough)
        process.kill()


@dataclass(frozen=True)
class Step(Strike):
    """SIGKILL right before a file in the folder is opened, renamed or removed, or a folder made."""

    number: int

    def inside(self, folder: Path) -> None:
        left = self.number

        def at(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        _watch(folder, at)


@dataclass(frozen=True)
class Byte(Strike):
    """The kernel ends the process when a file that it writes is to get longer than this."""

    number: int

    def inside(self, folder: Path) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python would make an OSError of it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.number, most))


def until(process: Process, true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is true, the process has ended, or it has taken too long."""
    end = time.monotonic() + seconds
    while not true() and process.wait(0) is None and time.monotonic() < end:
        time.sleep(0.0005)


def count_steps(folder: Path) -> list[str]:
    """A list that grows by each operation of this process that :class:`Step` counts."""
    steps: list[str] = []
    _watch(folder, steps.append)
    return steps


def _watch(folder: Path, at: Callable[[str], None]) -> None:
    root = f"{folder}{os.sep}"

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        place = _OPERATIONS.get(event)
        if place is None or not isinstance(arguments[place], str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(arguments[place]))  # noqa: PTH100 - of no file yet
        if path.startswith(root):
            at(f"{event} {path}")

    sys.addaudithook(hook)


def _state(folder: Path) -> set[tuple[str, int, int]]:
    """Path, length and inode of every file."""
    state = set()
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - a thousand times a second
            try:
                status = os.stat(path)  # noqa: PTH116
            except FileNotFoundError:
                continue
            state.add((path, status.st_size, status.st_ino))
    return state
