"""The process that others are forked from: it has imported everything, and is asked line by line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import ClassVar, Self

__all__ = ["ForkServer"]


class ForkServer:
    """A context; one question at a time.

    Attributes:
        script: the file that serves, one answer for each line of stdin.
    """

    script: ClassVar[str]

    def __enter__(self) -> Self:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._server = subprocess.Popen(
            [sys.executable, self.script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # one thread, or a fork could wait for threads that it does not have
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def _ask(self, line: str) -> str:
        assert self._server.stdin is not None
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._server.stdout is not None
        answer = self._server.stdout.readline()
        assert answer, "the process that forks has ended"
        return answer
