"""Several zygotes at work on one list of mutants."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.mutation.session import environment

__all__ = ["Zygote", "work", "zygote"]

Task = dict[str, Any]
Answer = dict[str, Any]


class Zygote:
    """The near end of a process of :mod:`tools.mutation.zygote`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, task: Task) -> Answer:
        """``status`` and ``seconds``.

        Raises:
            RuntimeError: the process has ended; its stderr says why.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("A process that runs mutants has ended; what it said stands above.")
        answer: Answer = json.loads(line)
        return answer


@contextmanager
def zygote(repository: Path, modules: list[str], source: str) -> Iterator[Zygote]:
    """Start one that imports ``modules`` first; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.mutation.zygote"],
        cwd=repository,
        env=environment(repository, source),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    try:
        process.stdin.write(json.dumps(modules) + "\n")
        process.stdin.flush()
        yield Zygote(process)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()


def work(
    zygotes: list[Zygote],
    tasks: list[Task],
    done: Callable[[int, Answer], None],
) -> None:
    """Run every task on whichever zygote is free; ``done`` gets its place and answer, one at a time.

    Raises:
        RuntimeError: a zygote has ended.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for place in range(len(tasks)):
        waiting.put(place)
    lock = threading.Lock()
    failures: list[BaseException] = []

    def serve(one: Zygote) -> None:
        try:
            while not failures:
                place = waiting.get_nowait()
                answer = one.run(tasks[place])
                with lock:
                    done(place, answer)
        except queue.Empty:
            return
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=serve, args=[one], daemon=True) for one in zygotes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
