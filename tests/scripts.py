"""Scripts of this project run inside the test process: what they import is imported once for all.

Only what needs a process of its own (signals, an own memory, a first import) is worth the six
seconds that torch and transformers take to import.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import torch

__all__ = ["Ended", "run_module", "run_script"]


class Ended(NamedTuple):
    """What a script left behind."""

    code: int
    out: str
    err: str


def run_script(path: Path, *words: str) -> Ended:
    """``python PATH WORDS``; modules beside the script are found, as they are there.

    A script that is missing ends with the code 2, as python does.
    """
    if not path.is_file():
        return Ended(2, "", f"can't open file {path}")
    with mock.patch.object(sys, "path", [str(path.parent), *sys.path]):
        return _ended([str(path), *words], lambda: runpy.run_path(str(path), run_name="__main__"))


def run_module(name: str, *words: str) -> Ended:
    """``python -m NAME WORDS``."""
    return _ended(
        [name, *words], lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)
    )


def _ended(argv: list[str], program: Callable[[], object]) -> Ended:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with _settings_kept(), mock.patch.object(sys, "argv", argv):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                program()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except ImportError as error:
                code = 1
                err.write(str(error))
    return Ended(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _settings_kept() -> Iterator[None]:
    """Threads and gradients are those from before afterwards."""
    threads, gradients = torch.get_num_threads(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(gradients)
