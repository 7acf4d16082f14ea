"""The executor of a Ray cluster."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from vlmscope.labels.executors.base import Task
from vlmscope.labels.executors.child import Work
from vlmscope.labels.executors.cluster.actor import LabelActor
from vlmscope.labels.executors.cluster.mailbox import GATHERED
from vlmscope.labels.executors.cluster.session import ray_session
from vlmscope.labels.executors.cluster.shares import shares
from vlmscope.labels.executors.crew import Crew, Hand

__all__ = ["ClusterExecutor"]

_STARTS = (
    3  # times that as many workers as there are may end before an image: a machine takes many along
)
_CALLS = 3  # at once of an actor: one that takes, and those that put
_REASON = 300  # characters


class _Actor(Hand):
    """An actor that is asked without end what it has to say."""

    slack: ClassVar[float] = 2 * GATHERED

    def __init__(self, index: int, ray: Any, handle: Any) -> None:
        super().__init__(index)
        self._ray = ray
        self._handle = handle
        self._messages: deque[Any] = deque()
        self._reason = ""
        self.news = handle.take.remote()  # the answer that is waited for

    def send(self, work: Work) -> None:
        self._handle.put.remote(work)

    def receive(self) -> Any:
        if not self._messages:
            try:
                self._messages.extend(self._ray.get(self.news))
            except self._ray.exceptions.RayError as error:  # it, its machine or the way to it
                self._reason = _last_line(error)
                raise EOFError from error
            self.news = self._handle.take.remote()
        return self._messages.popleft() if self._messages else None

    @property
    def has_more(self) -> bool:
        """Whether something that has come was not listened to."""
        return bool(self._messages)

    def has_spoken(self) -> bool:
        return self.has_more or bool(self._ray.wait([self.news], timeout=0)[0])

    def end(self) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._handle, no_restart=True)

    def ending(self) -> str:
        return f" ({self._reason})" if self._reason else ""


class ClusterExecutor(Crew[_Actor]):
    """Actors that each load the model, on whichever machine of the cluster has room.

    Args:
        task: what to do; the package and the images are there on every machine.
        address: of the cluster; None: see :func:`ray_session`.
        workers: how many actors; None: one for each GPU, else one for each machine.
        gpus: whether each needs a GPU; None: where there are any.
    """

    advice: ClassVar[str] = (
        "Every machine of the cluster needs this Python, vlmscope with the same packages, and enough memory "
        "for the model; take fewer --workers or --dtype bfloat16."
    )

    def __init__(
        self, task: Task, address: str | None, workers: int | None = None, gpus: bool | None = None
    ) -> None:
        super().__init__(task, 0)
        self._address = address
        self._workers = workers
        self._gpus = gpus
        self._stack = contextlib.ExitStack()
        self._ray: Any = None
        self._make: Any = None
        self._sent: Any = None

    def open(self) -> dict[str, Any]:
        """Join or start the cluster, and start the actors; wait until the first has loaded the model."""
        self._ray = self._stack.enter_context(ray_session(self._address))
        share = shares(self._ray.nodes(), self._workers, self._task.threads, self._gpus)
        self._count, self._starts = share.workers, share.workers * _STARTS
        self._make = self._ray.remote(LabelActor).options(
            num_cpus=share.cpus,
            num_gpus=share.gpus,
            max_concurrency=_CALLS,
            max_restarts=0,  # a new one is made here, where it is known what the old one had to do
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        self._sent = self._ray.put(replace(self._task, threads=share.threads))
        return super().open()

    def close(self) -> None:
        """End the actors; leave the cluster, and end it where it was started here."""
        for hand in self._hands:
            hand.end()
        self._hands = []
        self._stack.close()

    def _start(self, index: int) -> _Actor:
        # a task that is sent once is there for every actor that follows
        return _Actor(index, self._ray, self._make.remote(self._sent, str(Path.cwd())))

    def _heard(self, seconds: float | None) -> list[_Actor]:
        if any(hand.has_more for hand in self._hands):
            return [hand for hand in self._hands if hand.has_more]
        by_news = {hand.news: hand for hand in self._hands}
        first, others = self._ray.wait(list(by_news), num_returns=1, timeout=seconds)
        if (
            first and others
        ):  # all who have answered, or those at the end of the list might wait for long
            first += self._ray.wait(others, num_returns=len(others), timeout=0)[0]
        return [by_news[each] for each in first]


def _last_line(error: Exception) -> str:
    """What an error of Ray comes to, of its pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:_REASON] if lines else type(error).__name__
