"""A process that labels: it reads chunks from a line and answers on it."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from vlmscope.errors import VlmscopeError
from vlmscope.labels.executors.base import Chunk, Task
from vlmscope.labels.executors.worker import Worker
from vlmscope.version import __version__

__all__ = ["Begun", "Done", "Failed", "Line", "Ready", "Work", "attend", "serve"]


@dataclass(frozen=True)
class Work:
    """A chunk for a process.

    Attributes:
        chunk: the chunk.
        alone: one image after the other: an earlier process ended in it.
    """

    chunk: Chunk
    alone: bool = False


@dataclass(frozen=True)
class Ready:
    """The model is loaded; what rows depend on, and the version of this package there."""

    identity: dict[str, Any]
    version: str = __version__


@dataclass(frozen=True)
class Begun:
    """An image's turn has come."""

    id: str


@dataclass(frozen=True)
class Done:
    """So many images of the present chunk are done."""

    count: int


@dataclass(frozen=True)
class Failed:
    """The job cannot go on: class of the error and its sentence."""

    kind: str
    message: str


class Line(Protocol):
    """Between a worker and its job."""

    def send(self, message: Any, sure: bool = False) -> None:
        """Say something; ``sure``: come back when it cannot be lost any more, even if this process ends.

        Raises:
            BrokenPipeError, ConnectionResetError: the job is gone.
        """
        ...

    def recv(self) -> Work:
        """The next chunk, waited for.

        Raises:
            EOFError, OSError: the job has ended.
        """
        ...


class _Pipe:
    """A pipe: what is in it stays when its writer ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.recv = connection.recv

    def send(self, message: Any, sure: bool = False) -> None:
        self._connection.send(message)


def serve(connection: Connection, task: Task, index: int, processes: int) -> None:
    """Label until the pipe is closed; it is the whole life of a process.

    Args:
        connection: gives :class:`Work`, takes the other messages and finished chunks.
        task: what to do.
        index: of this process among them, from 0.
        processes: how many there are.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C the job hears, and ends its processes
    attend(_Pipe(connection), task, processes, lambda: _device(index))


def attend(
    line: Line,
    task: Task,
    processes: int,
    device: Callable[[], str | None] = lambda: None,
    place: str = "",
) -> None:
    """Label until the line is closed; what is wrong is said on it.

    Args:
        line: gives :class:`Work`, takes the other messages and finished chunks.
        task: what to do.
        processes: how many share this machine's cores.
        device: where the model goes; asked once it is known whether there is one.
        place: added to what is wrong: where this is.
    """
    waiting: queue.SimpleQueue[Work] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(line, waiting), daemon=True).start()
    try:
        _quiet()
        _limit_threads(task.threads, processes)
        worker = Worker(task, device())
        line.send(Ready(worker.identity))
        while True:
            _label(line, worker, waiting.get())
    except VlmscopeError as error:
        line.send(Failed(type(error).__name__, f"{error}{place}"))
    except (BrokenPipeError, ConnectionResetError):
        return  # the job is gone
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        file = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
        line.send(Failed(type(error).__name__, f"{error} ({file}){place}"))


def _label(line: Line, worker: Worker, work: Work) -> None:
    finished = worker.label(
        work.chunk,
        lambda count: line.send(Done(count)),
        lambda item: line.send(Begun(item.id), sure=work.alone),
        work.alone,
    )
    line.send(finished)


def _listen(line: Line, waiting: queue.SimpleQueue[Work]) -> None:
    """Read chunks while others are worked on, so that the job never waits for a full pipe.

    Where the job ends, however it does, this process ends at once, whatever it is doing.
    """
    while True:
        try:
            waiting.put(line.recv())
        except (EOFError, OSError):
            os._exit(0)


def _quiet() -> None:
    """No chatter of transformers: the terminal is the job's."""
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    if "transformers" in sys.modules:  # it reads them when it is imported
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()


def _limit_threads(threads: int | None, processes: int) -> None:
    """An even share of the cores, unless somebody chose."""
    if threads is None and "OMP_NUM_THREADS" in os.environ:
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = threads or max(1, (cores or 1) // processes)
    os.environ["OMP_NUM_THREADS"] = str(count)
    if "torch" in sys.modules:  # it reads it when it is imported
        sys.modules["torch"].set_num_threads(count)


def _device(index: int) -> str | None:
    """A GPU of its own, as long as there are enough; None: there is none, or no model to put there."""
    torch = sys.modules.get("torch")
    count = torch.cuda.device_count() if torch is not None and torch.cuda.is_available() else 0
    return f"cuda:{index % count}" if count else None
