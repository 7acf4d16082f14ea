"""A line to a worker that can only be called: it speaks when it is asked."""

from __future__ import annotations

import queue
import threading
from typing import Any

from vlmscope.labels.executors.child import Begun, Done, Work

__all__ = ["GATHERED", "Mailbox"]

GATHERED = 0.25
"""Seconds for which news that can wait is gathered: a call for each image would cost more than it says."""

_SILENCE = 10.0  # seconds after which a call comes back without news


class Mailbox:
    """Holds what a worker says until its job asks, and what its job gives until the worker asks."""

    def __init__(self) -> None:
        self._works: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._messages: list[Any] = []
        self._changed = threading.Condition()
        self._urgent = False
        self._said = self._taken = self._received = (
            0  # messages so far, each at most the one before
        )

    def put(self, work: Work) -> None:
        """The job's side: give work."""
        self._works.put(work)

    def recv(self) -> Work:
        """The worker's side: the next work, waited for."""
        return self._works.get()

    def send(self, message: Any, sure: bool = False) -> None:
        """The worker's side: say something; ``sure``: come back when the job has received it."""
        with self._changed:
            self._messages.append(message)
            self._said += 1
            number = self._said
            self._urgent |= sure or not isinstance(message, Begun | Done)
            self._changed.notify_all()
            if sure:
                self._changed.wait_for(lambda: self._received >= number)

    def take(self) -> tuple[Any, ...]:
        """The job's side: what was said since the last call, waited for; nothing after a long silence.

        Who calls again has received what it was told before.
        """
        with self._changed:
            self._received = self._taken
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: bool(self._messages), _SILENCE):
                return ()
            self._changed.wait_for(lambda: self._urgent, GATHERED)
            messages = tuple(self._messages)
            self._messages.clear()
            self._urgent = False
            self._taken = self._said
            return messages
