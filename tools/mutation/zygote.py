"""A process that has everything imported but the package, and forks one child for each mutant.

It reads tasks and writes answers, one JSON object a line. In the child the file reads as the mutant
wherever it is imported from, so ``from module import function`` gets the changed function too.
"""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tools.mutation.session import ARGUMENTS, Chosen, Quick

__all__ = ["KILLED", "SURVIVED", "TIMEOUT", "UNREAD"]

KILLED, SURVIVED, TIMEOUT, UNREAD = "killed", "survived", "timeout", "unread"

_UNREAD = 99  # exit status: the tests passed, and the file was never imported
_NOTHING = 98  # exit status: no test was found
_MEMORY = 6 << 30  # bytes that a mutant may ask for beyond what is there
_WAITING = 4  # times the limit of computing that may pass by the clock


class Mutated:
    """Makes one file read as other bytes, without leaving compiled code behind."""

    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source
        self.read = False

    def install(self) -> None:
        loader: Any = importlib.machinery.SourceFileLoader
        stats, data = loader.path_stats, loader.get_data

        def path_stats(one: Any, path: str) -> Any:
            if path == self._path:
                raise OSError("no compiled code of a mutant")
            return stats(one, path)

        def get_data(one: Any, path: str) -> bytes:
            if path == self._path:
                self.read = True
                return self._source
            found: bytes = data(one, path)
            return found

        loader.path_stats, loader.get_data = path_stats, get_data


def _child(task: dict[str, Any], folder: str) -> int:
    """Exit status of the tests on the mutant."""
    signal.setitimer(signal.ITIMER_PROF, task["limit"])
    signal.setitimer(signal.ITIMER_REAL, _WAITING * task["limit"])
    _limit_memory()
    sink = os.open(os.devnull if not task.get("log") else task["log"], os.O_WRONLY | os.O_CREAT)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    mutated = Mutated(task["path"], task["source"].encode())
    mutated.install()
    plugins = [Quick(), Chosen(task["tests"])]
    code = int(pytest.main([*ARGUMENTS, f"--basetemp={folder}", *task["files"]], plugins=plugins))
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return _NOTHING
    return _UNREAD if code == 0 and not mutated.read else code


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _run(task: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, say how it ended.

    Raises:
        RuntimeError: the child found none of the tests it was given.
    """
    folder = tempfile.mkdtemp(prefix="mutant-")
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _child(task, f"{folder}/t")
        finally:
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "status": _status(status, task),
        "seconds": time.perf_counter() - began,
        "computed": used.ru_utime + used.ru_stime,
    }


def _status(status: int, task: dict[str, Any]) -> str:
    if os.WIFSIGNALED(status):
        late = os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
        return TIMEOUT if late else KILLED
    code = os.WEXITSTATUS(status)
    if code == _NOTHING:
        raise RuntimeError(f"None of these tests was found: {task['tests'][:3]}")
    return {0: SURVIVED, _UNREAD: UNREAD}.get(code, KILLED)


def _preload(modules: list[str]) -> None:
    for name in modules:
        if name != "__main__":
            try:
                importlib.import_module(name)
            except ImportError:  # made up at run time by another module
                continue
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    gc.collect()
    gc.freeze()  # the children share what is here, and do not search it for garbage


def _main() -> None:
    _preload(json.loads(sys.stdin.readline()))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    _main()
