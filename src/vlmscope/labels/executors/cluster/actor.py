"""The actor: a process somewhere in the cluster that labels."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any

from vlmscope.labels.executors.base import Task
from vlmscope.labels.executors.child import Work, attend
from vlmscope.labels.executors.cluster.mailbox import Mailbox

__all__ = ["LabelActor"]


class LabelActor:
    """Labels in a thread of its own, so that it can be called meanwhile.

    Args:
        task: what to do.
        folder: that the job was started in: relative paths count from it, where it exists here.
    """

    def __init__(self, task: Task, folder: str) -> None:
        with contextlib.suppress(OSError):
            os.chdir(folder)
        self._mailbox = Mailbox()
        place = f" (On the machine {socket.gethostname()}.)"
        threading.Thread(
            target=attend,
            args=(self._mailbox, task, 1),
            kwargs={"place": place},  # of its GPU Ray has decided: it sees no other
            daemon=True,
        ).start()

    def put(self, work: Work) -> None:
        """Give it work."""
        self._mailbox.put(work)

    def take(self) -> tuple[Any, ...]:
        """What it has to say, waited for."""
        return self._mailbox.take()
