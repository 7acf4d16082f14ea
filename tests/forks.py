"""``vlmscope`` in processes that are forked from one which has imported everything.

So what is killed is the work, not the imports; and a hundred kills take minutes, not hours.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from fork_server import ForkServer
from strikes import Strike, count_steps

__all__ = ["Fork", "Forks", "Spawned"]

_MODULES = """
    torch pyarrow.parquet pycocotools.mask
    scipy.stats pydantic
    transformers.models.clip.modeling_clip transformers.models.llava.modeling_llava
    transformers.models.llama.modeling_llama transformers.models.auto.processing_auto
    vlmscope.cli vlmscope.analysis.knockout.report vlmscope.analysis.tokens.report
    vlmscope.evaluation.report vlmscope.evaluation.runner vlmscope.export.parquet vlmscope.heads
    vlmscope.methods vlmscope.models vlmscope.tiny.world.splits vlmscope.tiny.world.language
"""
"""Imported before the first fork; what is missing here only makes runs slower."""


class Forks(ForkServer):
    """The process that runs are forked from. A context; one run at a time."""

    script = __file__

    def start(
        self, words: Sequence[str], base: Path, strike: Strike, plant: str | None = None
    ) -> Fork:
        """Run ``vlmscope WORDS`` in the folder ``base/out``.

        Args:
            words: of the command line.
            base: gets ``stdout``, ``stderr`` and, from a run that ends by itself, ``steps``.
            strike: how it is killed.
            plant: ``module:function`` that spoils the library in that process.
        """
        (base / "out").mkdir(parents=True, exist_ok=True)
        kind = type(strike)
        job = {
            "words": list(words),
            "base": str(base.resolve()),
            "strike": [kind.__module__, kind.__name__, vars(strike)],
            "plant": plant,
        }
        return Fork(self, int(self._ask(json.dumps(job))))

    def _answers_within(self, seconds: float | None) -> bool:
        return bool(select.select([self._server.stdout], [], [], seconds)[0])


class Fork:
    """A run."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self._forks = forks
        self._pid = pid
        self._code: int | None = None

    def wait(self, seconds: float | None = None) -> int | None:
        """As :meth:`strikes.Process.wait`."""
        if self._code is None and self._forks._answers_within(seconds):
            self._code = int(self._forks._answer())
        return self._code

    def kill(self) -> None:
        """As :meth:`strikes.Process.kill`."""
        os.kill(self._pid, signal.SIGKILL)  # its number is free only when the next run begins


class Spawned:
    """The same run as ``python -m vlmscope WORDS``, in a process that imports everything itself."""

    def __init__(self, words: Sequence[str], base: Path) -> None:
        (base / "out").mkdir(parents=True, exist_ok=True)
        with (base / "stdout").open("wb") as out, (base / "stderr").open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vlmscope", *words],
                cwd=base / "out",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def wait(self, seconds: float | None = None) -> int | None:
        """As :meth:`strikes.Process.wait`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def kill(self) -> None:
        """As :meth:`strikes.Process.kill`."""
        self._process.kill()


def _serve() -> None:
    """Fork for each line of stdin; answer with the number of the process, then with its code."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for name in _MODULES.split():
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    earlier = None
    for line in sys.stdin:
        if earlier is not None:
            os.waitpid(earlier, 0)
        pid = os.fork()
        if pid == 0:
            _run(json.loads(line))
        answers.write(f"{pid}\n")
        # WNOWAIT keeps the number taken while the other side may still want to kill it
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        exited = ended.si_code == os.CLD_EXITED
        answers.write(f"{ended.si_status if exited else -ended.si_status}\n")
        earlier = pid


def _run(job: dict[str, Any]) -> NoReturn:
    """The forked process: a command from its first line to its exit code."""
    code = 70
    try:
        base = Path(job["base"])
        os.chdir(base / "out")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(base / "stdout", flags, 0o644), 1)
        os.dup2(os.open(base / "stderr", flags, 0o644), 2)
        code = _command(job, base)
    except BaseException:  # or it would go on as a second server
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _command(job: dict[str, Any], base: Path) -> int:
    from vlmscope.cli import main

    module, kind, values = job["strike"]
    if job["plant"]:
        spoiler, name = job["plant"].split(":")
        getattr(importlib.import_module(spoiler), name)()
    sys.argv = ["vlmscope", *job["words"]]
    steps = count_steps(base / "out")
    getattr(importlib.import_module(module), kind)(**values).inside(base / "out")
    code = main(job["words"])
    (base / "steps").write_text("\n".join(steps))
    return code


if __name__ == "__main__":
    _serve()
