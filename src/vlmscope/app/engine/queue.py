"""Jobs wait for the model in one line, and one thread runs them one after the other."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vlmscope.app.engine.interrupt import Interrupt, InterruptedJobError
from vlmscope.app.engine.job import Job, cancelled, superseded
from vlmscope.app.refusal import Refusal, refusal_of

__all__ = ["JobQueue", "Places"]

_LOG = logging.getLogger(__name__)

Around = Callable[[Interrupt], contextlib.AbstractContextManager[None]]
"""Opened around a job's work, in the thread that runs it."""


@dataclass(frozen=True)
class Places:
    """How long the line is.

    Attributes:
        waiting: jobs that wait.
        running: jobs that run, 0 or 1.
        of: jobs before the first of a tab's; 0: it runs; None: it has none.
    """

    waiting: int
    running: int
    of: int | None


class JobQueue:
    """The line, and the thread at its end.

    Args:
        most: jobs that may wait; a further one is refused.
        around: opened around each job's work.
    """

    def __init__(self, most: int, around: Around) -> None:
        self._most, self._around = most, around
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="vlmscope-model", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Put a job at the end of the line, or into the place of the one that it replaces.

        Raises:
            Refusal: the line is full, the id is taken, or the server is ending.
        """
        with self._change:
            if self._closed:
                raise Refusal(503, "ending", "The app is ending. Start it again.")
            if any(each.id == job.id for each in self._all()):
                raise Refusal(409, "known-job", "A job of this name is waiting or running already.")
            place = next((at for at, each in enumerate(self._waiting) if job.replaces(each)), None)
            if place is not None:
                older, self._waiting[place] = self._waiting[place], job
                older.refuse(superseded())
            elif len(self._waiting) >= self._most:
                raise Refusal(
                    429, "busy", f"{self._most} requests wait for the model. Try again in a moment."
                )
            else:
                self._waiting.append(job)
            self._change.notify()

    def cancel(self, name: str) -> str | None:
        """Let go of a job: one that waits at once, one that runs at its next step.

        Returns:
            ``waiting`` or ``running``, what it was; None: there is none of this id.
        """
        with self._change:
            for job in self._waiting:
                if job.id == name:
                    self._waiting.remove(job)
                    job.refuse(cancelled())
                    return "waiting"
            if self._running is not None and self._running.id == name:
                self._running.interrupt.set()
                return "running"
        return None

    def places(self, tab: str) -> Places:
        """How long the line is, and where a tab's first job stands in it."""
        with self._change:
            line = list(self._all())
            running = 0 if self._running is None else 1
            mine = next((at for at, job in enumerate(line) if tab and job.tab == tab), None)
            if mine is not None and not running:
                mine += 1  # nothing runs yet: the first in the line is the next
            return Places(len(self._waiting), running, mine)

    def close(self, seconds: float = 10.0) -> None:
        """Refuse everything from here on, and wait for the thread to end its step."""
        with self._change:
            self._closed = True
            for job in self._all():
                job.interrupt.set()
            for job in self._waiting:
                job.refuse(cancelled())
            self._waiting.clear()
            self._change.notify()
        self._thread.join(seconds)

    def _all(self) -> Iterator[Job]:
        if self._running is not None:
            yield self._running
        yield from self._waiting

    def _run(self) -> None:
        while (job := self._next()) is not None:
            answer, error = self._worked(job)
            with self._change:
                self._running = None
            if job.interrupt.is_set:
                error = cancelled()
            if error is not None:
                job.refuse(error)
            else:
                job.answer(answer)
            del job, answer, error  # what is answered is kept by nobody here

    def _next(self) -> Job | None:
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            self._running = self._waiting.pop(0)
            return self._running

    def _worked(self, job: Job) -> tuple[Any, Refusal | None]:
        try:
            with self._around(job.interrupt):
                return job.work(), None
        except InterruptedJobError:
            return None, cancelled()
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.status == 500:  # for whoever started the app, never for its clients
                _LOG.error("A job failed: %s", job.endpoint, exc_info=error)
            return None, refusal
