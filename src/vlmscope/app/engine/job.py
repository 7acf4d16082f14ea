"""Something that is to be computed for one request."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from vlmscope.app.engine.interrupt import Interrupt
from vlmscope.app.refusal import Refusal

__all__ = ["Job", "cancelled", "superseded"]


@dataclass(eq=False)
class Job:
    """One request's work for the model.

    Attributes:
        id: by which it can be cancelled; unique among those that wait or run.
        tab: the browser tab that asks; "": not said.
        endpoint: what is asked.
        work: computes the answer, in the model's thread.
        future: of the answer.
        interrupt: set when nobody waits any more.
    """

    id: str
    tab: str
    endpoint: str
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)
    interrupt: Interrupt = field(default_factory=Interrupt)

    def replaces(self, older: Job) -> bool:
        """Whether an older one is no longer wanted because of this one."""
        return bool(self.tab) and (self.tab, self.endpoint) == (older.tab, older.endpoint)

    def refuse(self, refusal: Refusal) -> None:
        """End it without an answer; one that has ended stays as it is."""
        self.interrupt.set()
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(refusal)

    def answer(self, value: Any) -> None:
        """End it; where nobody waits any more, the answer is dropped."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(value)


def cancelled() -> Refusal:
    """What the client of a cancelled job is told."""
    return Refusal(409, "cancelled", "This was cancelled before it was done.")


def superseded() -> Refusal:
    """What the client of a job is told that a newer one of the same tab took the place of."""
    return Refusal(409, "superseded", "A newer request of this tab took the place of this one.")
