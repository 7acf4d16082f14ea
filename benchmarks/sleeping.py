"""Labellers that stand in for a model: they take a known time, and so little of the processor that the
rest is what the job itself takes. Light to import, for each of many processes does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from vlmscope.labels.executors import Executor, InsideExecutor, ProcessExecutor, Task
from vlmscope.labels.executors.base import AnyLabeller
from vlmscope.labels.labelled import LabelledImage
from vlmscope.labels.locks import Shard
from vlmscope.labels.run import LabelRun
from vlmscope.labels.schema import FIELDS
from vlmscope.labels.sources import Item, Source

IDENTITY = {"model": "sleeping", "method": "sleeping"}
BLANK: dict[str, Any] = {
    **{each.name: None for each in FIELDS},
    **IDENTITY,
    "phrase": "a dog",
    "version": "0",
    "warnings": [],
    "seconds": 0.0,
}


class Rows:
    """One row an image, after a sleep; no image is opened.

    Args:
        seconds: that each takes.
    """

    identity = IDENTITY
    notes: Sequence[str] = ()

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def label(
        self, items: Iterable[Item], open: Any, begin: Callable[[Item], None], alone: bool = False
    ) -> Iterator[LabelledImage]:
        for item in items:
            begin(item)
            if self._seconds:
                time.sleep(self._seconds)
            score = crc32(item.id.encode()) / 2**32
            row = {**BLANK, "id": item.id, "score": score, "box": [1.0, 2.0, 30.0, 40.0 + score]}
            yield LabelledImage(item, [row])


def make_rows(device: str | None, seconds: float) -> AnyLabeller:
    """What a process is given to load."""
    return Rows(seconds)


def make_real(device: str | None, model: str, phrases: tuple[str, ...]) -> AnyLabeller:
    """The labeller of ``vlmscope label`` on a model."""
    from vlmscope.labels.labeller import Labeller
    from vlmscope.labels.settings import LabelSettings, ModelSettings

    return Labeller(LabelSettings(phrases), ModelSettings(model))


def make_sleeping(seconds: float, model: str, phrases: tuple[str, ...], batch: int) -> AnyLabeller:
    """The labeller of ``vlmscope label`` whole, but for its model, which sleeps.

    Images are decoded ahead of it, results become rows; what is found is always the same.
    """
    import numpy as np

    from vlmscope.labels.labeller import Labeller
    from vlmscope.labels.settings import LabelSettings, ModelSettings
    from vlmscope.methods.looks import View

    class Looks:
        together = True

        def __init__(self, first: Any) -> None:
            self._first = first

        def view(self, pixels: Any, prompts: Any) -> View:
            return View(pixels, prompts)

        def alone(self, prompts: Any) -> Any:
            return lambda pixels: self.side_by_side([View(pixels, prompts)])[0]

        def side_by_side(self, views: Any) -> Any:
            time.sleep(seconds * len(views))
            return [
                [replace(self._first, image=view.pixels, phrase=str(each)) for each in view.prompts]
                for view in views
            ]

    labeller = Labeller(LabelSettings(phrases), ModelSettings(model), batch)
    ready = labeller._ready
    first = ready(np.full((480, 640, 3), 127, np.uint8))[0]
    labeller._ready = replace(ready, _looks=Looks(first))
    return labeller


@dataclass(frozen=True)
class Numbers(Source):
    """So many images that exist in name only.

    Attributes:
        count: how many.
    """

    count: int

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "numbers", "place": "nowhere"}

    def items(self) -> Iterator[Item]:
        for number in range(self.count):
            yield Item(f"folder-{number // 1000:05d}/image-{number:09d}.jpg")

    def open(self, item: Item) -> bytes:
        return b""

    def gone(self) -> None:
        return None


class Timed(ProcessExecutor):
    """Processes that are all ready before the clock starts; it stops with the last part."""

    begun = busy = 0.0

    def open(self) -> dict[str, Any]:
        identity = super().open()
        while not all(hand.ready for hand in self._hands):
            for hand in self._heard(None):
                self._listen(hand, lambda count: None)
        self.begun, self.busy = time.perf_counter(), time.process_time()
        return identity

    def close(self) -> None:
        self.taken = time.perf_counter() - self.begun
        self.busy = time.process_time() - self.busy
        super().close()


def run(source: Source, out: Path, make: Callable[[], Executor], part: int = 64) -> int:
    """A job from beginning to end, without what ``vlmscope.label`` checks of a model; its images."""
    kept: dict[str, Any] = {"phrases": ["a dog"]}
    job = LabelRun(out, source, kept, {}, make, Shard(), part, retry=False, progress=False)
    return job.all().labelled


def inside(source: Source, labeller: AnyLabeller) -> Callable[[], Executor]:
    """The executor of one process."""
    return partial(InsideExecutor, Task(source, lambda device: labeller))
