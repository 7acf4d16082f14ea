"""Scripts in processes that are forked from one which has imported everything: fresh memory, at once.

For figures of memory, which want a process that has done nothing before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

__all__ = ["Warm"]


class Warm:
    """The process that scripts are forked from. A context; one script at a time."""

    def __enter__(self) -> Warm:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # one thread, or a fork could wait for threads that it does not have
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def whole_number(self, script: str, *words: str) -> int:
        """As ``measure.in_fresh_process``: what ``python SCRIPT WORDS`` prints last.

        Raises:
            AssertionError: the script failed, or what it prints last is no whole number.
        """
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps([script, *words]) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        assert answer["code"] == 0, answer
        return int(answer["out"].strip().splitlines()[-1])


def _serve() -> None:
    """Fork for each line of stdin; answer with the code and the output, as JSON on one line."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    import vlmscope.methods
    from scripts import run_script

    assert vlmscope.methods
    for line in sys.stdin:
        script, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            ended = run_script(Path(script), *words)
            answers.write(json.dumps(ended._asdict()) + "\n")
            answers.flush()
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            answers.write(json.dumps({"code": 70}) + "\n")


if __name__ == "__main__":
    _serve()
