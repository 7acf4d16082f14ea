"""What a crew makes of workers that hang or die, with workers that are lists of messages."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import pytest

from labelling import make_fake
from vlmscope.labels.executors import Chunk, Finished, Task
from vlmscope.labels.executors.child import Begun, Done, Ready, Work
from vlmscope.labels.executors.crew import Crew, Hand
from vlmscope.labels.sources import Item
from vlmscope.labels.sources.files import FolderImages


class _Scripted(Hand):
    """Does everything as soon as it is told, until it comes to an image that is the end of it."""

    def __init__(self, index: int, given: list[Work]) -> None:
        super().__init__(index)
        self._all = given
        self._messages: deque[Any] = deque([Ready({"model": "fake"})])

    def send(self, work: Work) -> None:
        self._all.append(work)
        for item in work.chunk.items:
            self._messages.append(Begun(item.id))
            if item.fault is None and item.id in ("hangs", "dies"):
                self._messages.extend([EOFError()] if item.id == "dies" else [])
                return
            self._messages.append(Done(1))
        self._messages.append(Finished(work.chunk.name, b"", len(work.chunk.items), 0))

    def receive(self) -> Any:
        message = self._messages.popleft()
        if isinstance(message, EOFError):
            raise message
        return message

    def has_spoken(self) -> bool:
        return bool(self._messages)

    def end(self) -> None:
        self._messages.clear()

    def ending(self) -> str:
        return " with exit code 9"


class _Crew(Crew[_Scripted]):
    advice = "None."

    def __init__(self, folder: Path) -> None:
        super().__init__(Task(FolderImages(folder), make_fake, seconds=0.01), 2)
        self.given: list[Work] = []

    def _start(self, index: int) -> _Scripted:
        return _Scripted(index, self.given)

    def _heard(self, seconds: float | None) -> list[_Scripted]:
        return [hand for hand in self._hands if hand.has_spoken()]

    def close(self) -> None:
        """Nothing runs."""


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("hangs", "TimeLimitError", "longer than 0.01 s"),
        ("dies", "WorkerDiedError", "exit code 9, each time"),
    ],
)
def test_an_image_that_is_the_end_of_three_workers_has_failed(
    tmp_path: Path, name: str, kind: str, words: str
) -> None:
    items = tuple(Item(each) for each in ("a", name, "b"))
    crew, ticks = _Crew(tmp_path), [0]

    def tick(count: int) -> None:
        ticks[0] += count

    crew.open()
    chunks = [Chunk("part", items), Chunk("other", (Item("c"),))]
    done = [each.name for each in crew.run(iter(chunks), tick)]
    assert sorted(done) == ["other", "part"]
    assert ticks == [4]  # what a worker did before its end is not counted twice
    tries = [work for work in crew.given if work.chunk.name == "part"]
    assert [work.alone for work in tries] == [False, True, True, True]
    *before, last = ([item.fault for item in work.chunk.items] for work in tries)
    assert before == [[None] * 3] * 3
    assert last[0] is None and last[2] is None
    assert last[1] is not None and last[1][0] == kind and words in last[1][1]
