"""Workers that may die, whatever they are: who gets which chunk, who is asked again, who is to blame."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from vlmscope import errors
from vlmscope.errors import ModelMismatchError, VlmscopeError
from vlmscope.labels.executors.base import Chunk, Finished, SourceGoneError, Task
from vlmscope.labels.executors.child import Begun, Done, Failed, Ready, Work
from vlmscope.labels.job import differences
from vlmscope.labels.sources import Item
from vlmscope.version import __version__

__all__ = ["Crew", "Hand"]

_QUEUED = 2  # chunks of a worker: one that is worked on, and the next
_ALONE = 2  # times that an image ends a worker in which it was alone, before it is to blame
_STARTS = 3  # times that a worker may end before its first image
_LOOK = 0.5  # seconds between two looks at the clock
_DIED = "WorkerDiedError"
_SLOW = "TimeLimitError"


class Hand(ABC):
    """A worker, as its job sees it, and what it was given.

    Attributes:
        index: of the worker.
        ready: whether it has loaded the model.
        given: its chunks, the one in work first.
        begun: ids of images that have begun and are not done.
        sign: time of the last sign of life.
        counted: images of the chunk in work that the job has heard of.
    """

    slack: ClassVar[float] = 0.0
    """Seconds that a message may be on its way."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.ready = False
        self.given: deque[Work] = deque()
        self.begun: list[str] = []
        self.sign = 0.0
        self.counted = 0

    @abstractmethod
    def send(self, work: Work) -> None:
        """Give it work; nothing happens where it has ended."""

    @abstractmethod
    def receive(self) -> Any:
        """Its next message; None: it has nothing to say after all.

        Raises:
            EOFError, OSError: it has ended.
        """

    @abstractmethod
    def has_spoken(self) -> bool:
        """Whether there is a message, or it has ended."""

    @abstractmethod
    def end(self) -> None:
        """End it at once, whatever it is doing."""

    @abstractmethod
    def ending(self) -> str:
        """How it ended, after "ended": words with a space in front, or none."""


_AnyHand = TypeVar("_AnyHand", bound=Hand)


class Crew(ABC, Generic[_AnyHand]):
    """Workers that each load the model; one that dies is started again.

    A chunk in which a worker died, or took longer than the task's limit for an image, is tried again
    one image after the other; an image at which two more end becomes a failed row.

    Args:
        task: what to do.
        count: how many workers.
        starts: how many may end, one after the other, before an image.
    """

    advice: ClassVar[str]
    """What to do where workers end before their first image."""

    def __init__(self, task: Task, count: int, starts: int = _STARTS) -> None:
        self._task = task
        self._count = count
        self._starts = starts
        self._hands: list[_AnyHand] = []
        self._again: deque[Work] = deque()
        self._identity: dict[str, Any] | None = None
        self._ended: Counter[str] = Counter()  # workers, by the image that was alone in them
        self._deaths = 0  # in a row, before an image

    @abstractmethod
    def _start(self, index: int) -> _AnyHand:
        """Start a worker."""

    @abstractmethod
    def _heard(self, seconds: float | None) -> list[_AnyHand]:
        """Those who have something to say, or have ended; waited for so long (None: without end)."""

    def open(self) -> dict[str, Any]:
        """Start all workers; wait until the first has loaded the model."""
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
            ready = any(hand.ready for hand in self._hands)
            if ready and not any(hand.given for hand in self._hands):
                return
            for hand in self._heard(_LOOK):
                finished = self._listen(hand, tick)
                if finished is not None:
                    self._give(source)  # before the part is written: nobody waits for the disk
                    yield finished
            self._check_times(tick)

    def _give(self, source: Iterator[Chunk]) -> None:
        """Chunks to everybody who has few, the least busy first.

        Who has not loaded the model has none: it may never come to it, as where a machine is gone.
        """
        for depth in range(_QUEUED):
            for hand in self._hands:
                # who may end again is given nothing else
                alone = bool(hand.given) and hand.given[0].alone
                if hand.ready and len(hand.given) == depth and not alone:
                    work = self._next(source)
                    if work is None:
                        return
                    hand.given.append(work)
                    hand.send(work)

    def _next(self, source: Iterator[Chunk]) -> Work | None:
        if self._again:
            return self._again.popleft()
        chunk = next(source, None)
        return None if chunk is None else Work(chunk)

    def _listen(self, hand: _AnyHand, tick: Callable[[int], None]) -> Finished | None:
        try:
            message = hand.receive()
        except (EOFError, OSError):
            self._died(hand, tick, None)
            return None
        if message is None:
            return None
        hand.sign = time.monotonic()
        if isinstance(message, Ready):
            self._check_same(message.identity, message.version)
            hand.ready = True
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

    def _check_same(self, identity: dict[str, Any], version: str = __version__) -> None:
        if version != __version__:
            raise ModelMismatchError(
                f"A worker runs vlmscope {version} and this is {__version__}. Install the same everywhere."
            )
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
            limit = self._task.seconds * len(hand.begun) + hand.slack
            late = bool(hand.begun) and now - hand.sign > limit
            if late and not hand.has_spoken():  # or it has, and nobody listened yet
                reason = f"It took longer than {self._task.seconds:g} s, the limit for an image."
                self._died(hand, tick, (_SLOW, reason))

    def _died(
        self, hand: _AnyHand, tick: Callable[[int], None], fault: tuple[str, str] | None
    ) -> None:
        """Start a worker anew and put its chunks back."""
        hand.end()
        tick(-hand.counted)  # they are done again
        if not hand.begun:
            self._deaths += 1
            if self._deaths > self._starts:
                raise VlmscopeError(
                    f"A worker ended{hand.ending()} before its first image. {self.advice}"
                )
        if fault is None:
            fault = (_DIED, f"The process that labelled it ended{hand.ending()}, each time.")
        self._put_back(hand, fault)
        self._hands[self._hands.index(hand)] = self._start(hand.index)

    def _put_back(self, hand: _AnyHand, fault: tuple[str, str]) -> None:
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


def _blamed(item: Item, hand: Hand, fault: tuple[str, str]) -> Item:
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
