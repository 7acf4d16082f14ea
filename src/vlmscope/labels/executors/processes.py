"""The executor of several processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from vlmscope import errors
from vlmscope.errors import ModelMismatchError, VlmscopeError
from vlmscope.labels.executors.base import Chunk, Finished, SourceGoneError, Task
from vlmscope.labels.executors.child import Begun, Done, Failed, Ready, Work, serve
from vlmscope.labels.job import differences
from vlmscope.labels.sources import Item

__all__ = ["ProcessExecutor"]

_QUEUED = 2  # chunks of a process: one that is worked on, and the next
_ALONE = 2  # times that an image ends a process in which it was alone, before it is to blame
_STARTS = 3  # times that a process may end before its first image
_LOOK = 0.5  # seconds between two looks at the clock
_PATIENCE = 5.0  # seconds for a process to end by itself
_DIED = "WorkerDiedError"
_SLOW = "TimeLimitError"


@dataclass(eq=False)
class _Hand:
    """A process and what it was given.

    Attributes:
        index: of the process.
        process: it.
        connection: to it.
        given: its chunks, the one in work first.
        begun: ids of images that have begun and are not done, with the time of the last sign of life.
        counted: images of the chunk in work that the job has heard of.
    """

    index: int
    process: BaseProcess
    connection: Connection
    given: deque[Work] = field(default_factory=deque)
    begun: list[str] = field(default_factory=list)
    sign: float = 0.0
    counted: int = 0


class ProcessExecutor:
    """Processes that each load the model; one that dies is started again.

    A chunk in which a process died, or took longer than the task's limit for an image, is tried again
    one image after the other; an image at which two more end becomes a failed row.

    Args:
        task: what to do.
        processes: how many.
    """

    def __init__(self, task: Task, processes: int) -> None:
        self._task = task
        self._count = processes
        self._context = multiprocessing.get_context("spawn")
        self._hands: list[_Hand] = []
        self._again: deque[Work] = deque()
        self._identity: dict[str, Any] | None = None
        self._ended: Counter[str] = Counter()  # processes, by the image that was alone in them
        self._deaths = 0  # in a row, before an image

    def open(self) -> dict[str, Any]:
        """Start all processes; wait until the first has loaded the model."""
        self._hands = [self._start(index) for index in range(self._count)]
        while self._identity is None:
            for hand in self._heard(None):
                self._listen(hand, lambda count: None)
        return self._identity

    def run(self, chunks: Iterator[Chunk], tick: Callable[[int], None]) -> Iterator[Finished]:
        """Finished chunks as they come."""
        source = iter(chunks)
        while True:
            self._give(source)
            if not any(hand.given for hand in self._hands):
                return
            for hand in self._heard(_LOOK):
                finished = self._listen(hand, tick)
                if finished is not None:
                    self._give(source)  # before the part is written: nobody waits for the disk
                    yield finished
            self._check_times(tick)

    def close(self) -> None:
        """End the processes."""
        for hand in self._hands:
            hand.connection.close()  # each ends by itself when it sees this
        limit = time.monotonic() + _PATIENCE
        for hand in self._hands:
            hand.process.join(max(0.0, limit - time.monotonic()))
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()
        self._hands = []

    def _start(self, index: int) -> _Hand:
        own, other = self._context.Pipe()
        process = self._context.Process(
            target=serve,
            args=(other, self._task, index, self._count),
            name=f"vlmscope-label-{index}",
            daemon=True,
        )
        process.start()
        other.close()  # or its end would never be seen
        return _Hand(index, process, own)

    def _give(self, source: Iterator[Chunk]) -> None:
        """Chunks to everybody who has few, the least busy first."""
        for depth in range(_QUEUED):
            for hand in self._hands:
                # who may end again is given nothing else
                if len(hand.given) == depth and not (hand.given and hand.given[0].alone):
                    work = self._next(source)
                    if work is None:
                        return
                    hand.given.append(work)
                    # one that has ended says so when its connection is read
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        hand.connection.send(work)

    def _next(self, source: Iterator[Chunk]) -> Work | None:
        if self._again:
            return self._again.popleft()
        chunk = next(source, None)
        return None if chunk is None else Work(chunk)

    def _heard(self, seconds: float | None) -> list[_Hand]:
        """Those who have something to say, or have ended."""
        by_connection = {hand.connection: hand for hand in self._hands}
        return [by_connection[each] for each in wait(list(by_connection), seconds)]  # type: ignore[index]

    def _listen(self, hand: _Hand, tick: Callable[[int], None]) -> Finished | None:
        try:
            message = hand.connection.recv()
        except (EOFError, OSError):
            self._died(hand, tick, None)
            return None
        hand.sign = time.monotonic()
        if isinstance(message, Ready):
            self._check_same(message.identity)
        elif isinstance(message, Begun):
            hand.begun.append(message.id)
        elif isinstance(message, Done):
            self._deaths = 0
            hand.counted += message.count
            del hand.begun[: message.count]
            tick(message.count)
        elif isinstance(message, Failed):
            raise _revived(message)
        elif isinstance(message, Finished):
            hand.given.popleft()
            hand.counted = 0
            hand.begun.clear()
            return message
        return None

    def _check_same(self, identity: dict[str, Any]) -> None:
        if self._identity is None:
            self._identity = identity
        for name, one, other in differences(self._identity, identity):
            raise ModelMismatchError(
                f"Two workers do not run the same: {name} is {one!r} in one and {other!r} in another. "
                "Give a revision and a dtype that all of them have."
            )

    def _check_times(self, tick: Callable[[int], None]) -> None:
        if self._task.seconds is None:
            return
        now = time.monotonic()
        for hand in list(self._hands):
            late = bool(hand.begun) and now - hand.sign > self._task.seconds * len(hand.begun)
            if late and not hand.connection.poll():  # or it has spoken, and nobody listened yet
                hand.process.kill()
                reason = f"It took longer than {self._task.seconds:g} s, the limit for an image."
                self._died(hand, tick, (_SLOW, reason))

    def _died(
        self, hand: _Hand, tick: Callable[[int], None], fault: tuple[str, str] | None
    ) -> None:
        """Start a process anew and put its chunks back."""
        hand.process.join()
        tick(-hand.counted)  # they are done again
        code = hand.process.exitcode
        if not hand.begun:
            self._deaths += 1
            if self._deaths > _STARTS:
                raise VlmscopeError(
                    f"A worker ended with exit code {code} before its first image. Where the system ends "
                    "processes for want of memory (-9), take fewer --workers or --dtype bfloat16. From a "
                    "script, call label under: if __name__ == '__main__'."
                )
        if fault is None:
            fault = (_DIED, f"The process that labelled it ended with exit code {code}, each time.")
        self._put_back(hand, fault)
        hand.connection.close()
        self._hands[self._hands.index(hand)] = self._start(hand.index)

    def _put_back(self, hand: _Hand, fault: tuple[str, str]) -> None:
        given = list(hand.given)
        if given and hand.begun:
            first = given.pop(0)
            chunk = first.chunk
            if first.alone:  # the image is known for sure
                self._ended[hand.begun[-1]] += 1
                if self._ended[hand.begun[-1]] == _ALONE:
                    items = tuple(_blamed(each, hand, fault) for each in chunk.items)
                    chunk = replace(chunk, items=items)
            self._again.append(Work(chunk, alone=True))
        self._again.extend(given)


def _blamed(item: Item, hand: _Hand, fault: tuple[str, str]) -> Item:
    return replace(item, fault=fault) if item.id == hand.begun[-1] else item


def _revived(failed: Failed) -> Exception:
    """The error of another process, as one of this."""
    kind: Any = {"SourceGoneError": SourceGoneError}.get(failed.kind)
    kind = kind or getattr(errors, failed.kind, None)
    plain = kind is not None and kind.__init__ is VlmscopeError.__init__
    if plain:
        error: Exception = kind(failed.message)
        return error
    if kind is not None:
        return VlmscopeError(failed.message)
    return VlmscopeError(f"A worker failed with {failed.kind}: {failed.message}")
