"""Images with phrases as they come, several at a time: an outcome for each, whatever becomes of it.

Images are read ahead in threads and wait in a window. Those that fit into one batch are looked at as
soon as there are enough of them; where the window is full, those that go with the oldest. So memory
does not grow with the number of images, and no image waits for ever.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from vlmscope.data.ahead import ahead
from vlmscope.data.images import ImageSource, OpenedImage
from vlmscope.errors import VlmscopeError, VlmscopeWarning
from vlmscope.methods.looks import Looks, View
from vlmscope.models import Prompt
from vlmscope.results import Grounding

__all__ = ["Job", "Outcome", "Stream"]


@dataclass(frozen=True, eq=False)
class Job:
    """An image with what is looked for in it.

    Attributes:
        image: anything that ``open_image`` takes.
        phrases: one phrase or several; None: those that the Grounder was made with.
        id: anything that tells the job from others; it is not looked at.
    """

    image: ImageSource | OpenedImage = field(repr=False)
    phrases: str | Prompt | Sequence[str | Prompt] | None = None
    id: Any = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        groundings: one per phrase, in order; none where there is an error.
        error: why there are none, without its traceback; None where all went well.
        seconds: what the model took: of a batch, an equal share of it.
    """

    job: Job
    groundings: list[Grounding]
    error: Exception | None = None
    seconds: float = 0.0

    def result(self) -> list[Grounding]:
        """The groundings; raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return self.groundings


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A job whose image is read."""

    number: int
    job: Job
    opened: OpenedImage
    view: View


@dataclass(eq=False)
class Stream:
    """Looks at jobs as they come.

    Attributes:
        looks: how the method looks at images.
        read: opens a job's image and says what is looked for; called in other threads.
        finish: what is done to the results of an image before they are handed out.
        batch: how many images are looked at side by side; halved where memory does not hold them.
        window: how many jobs may be open at a time, whether they wait, or their results do for those
            of an earlier one.
        threads: how many read images.
        ordered: outcomes come in the order of the jobs; else as soon as they are there.
        traced: errors keep their tracebacks, and with them images and tensors.
        halved: hears what is left of ``batch`` when it is halved.
    """

    looks: Looks
    read: Callable[[Job], tuple[OpenedImage, tuple[Prompt, ...]]]
    finish: Callable[[list[Grounding], OpenedImage], list[Grounding]]
    batch: int
    window: int
    threads: int
    ordered: bool
    traced: bool = False
    halved: Callable[[int], None] | None = None
    _waiting: list[_Waiting] = field(default_factory=list)
    _done: dict[int, Outcome] = field(default_factory=dict)
    _next: int = 0

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """One for each job; an error of the iterable itself is raised."""
        at_once = ahead(jobs, self._readied, count=max(2, self.batch), threads=self.threads)
        for number, (job, opened) in enumerate(at_once):
            self._arrive(number, job, opened)
            while self._waiting and number - self._oldest() + 1 >= self.window:
                self._look(self._waiting[0].view.room)
            yield from self._released()
        while self._waiting:
            self._look(self._waiting[0].view.room)
            yield from self._released()

    def _oldest(self) -> int:
        """The first job whose outcome is not handed out."""
        return self._next if self.ordered else self._waiting[0].number

    def _released(self) -> Iterator[Outcome]:
        if not self.ordered:
            for number in sorted(self._done):
                yield self._done.pop(number)
            return
        while self._next in self._done:
            self._next += 1
            yield self._done.pop(self._next - 1)

    def _readied(self, job: Job) -> tuple[OpenedImage, View]:
        opened, prompts = self.read(job)
        if not prompts:
            return opened, View(opened.pixels, prompts)
        return opened, self.looks.view(opened.pixels, prompts)

    def _arrive(
        self, number: int, job: Job, readied: Callable[[], tuple[OpenedImage, View]]
    ) -> None:
        try:
            opened, view = readied()
        except Exception as error:  # of this job, whatever it is: the others go on
            self._done[number] = Outcome(job, [], self._kept(error))
            return
        if not view.prompts:
            self._done[number] = Outcome(job, [])
            return
        self._waiting.append(_Waiting(number, job, opened, view))
        if sum(each.view.room == view.room for each in self._waiting) >= self.batch:
            self._look(view.room)

    def _look(self, room: Hashable) -> None:
        chosen = [each for each in self._waiting if each.view.room == room][: self.batch]
        self._waiting = [each for each in self._waiting if each not in chosen]
        self._look_at(chosen)

    def _look_at(self, jobs: Sequence[_Waiting]) -> None:
        """Look at jobs side by side; where that fails, at fewer of them, down to one."""
        start = time.perf_counter()
        try:
            results = self._results(jobs)
        except torch.OutOfMemoryError as error:
            if len(jobs) == 1:
                self._fail(jobs[0], error, start)
                return
            self._halve(len(jobs))
            left = list(jobs)
            while left:  # the batch may be halved again meanwhile
                some, left = left[: self.batch], left[self.batch :]
                self._look_at(some)
        except Exception as error:
            if len(jobs) == 1:
                self._fail(jobs[0], error, start)
                return
            for job in jobs:  # of one of them: each by itself, and this one says it
                self._look_at([job])
            self._say_refused(jobs, error)
        else:
            share = (time.perf_counter() - start) / len(jobs)
            for job, groundings in zip(jobs, results, strict=True):
                self._done[job.number] = Outcome(job.job, groundings, None, share)

    def _results(self, jobs: Sequence[_Waiting]) -> list[list[Grounding]]:
        views = [job.view for job in jobs]
        if len(views) == 1:
            results = [self.looks.alone(views[0].prompts)(views[0].pixels)]
        else:
            results = self.looks.side_by_side(views)
        return [self.finish(own, job.opened) for own, job in zip(results, jobs, strict=True)]

    def _fail(self, job: _Waiting, error: Exception, start: float) -> None:
        seconds = time.perf_counter() - start
        self._done[job.number] = Outcome(job.job, [], self._kept(error), seconds)

    def _kept(self, error: Exception) -> Exception:
        if self.traced:
            return error
        error.__context__ = error.__cause__ = None
        return error.with_traceback(None)

    def _halve(self, tried: int) -> None:
        self.batch = max(1, tried // 2)
        torch.cuda.empty_cache()
        if self.halved is not None:
            self.halved(self.batch)
        warnings.warn(
            f"{tried} images side by side do not fit in the device's memory; from here on there are "
            f"{self.batch}.",
            VlmscopeWarning,
            stacklevel=2,
        )

    def _say_refused(self, jobs: Sequence[_Waiting], error: Exception) -> None:
        """Where a batch failed and each of its images went well, the batch itself is to blame."""
        blamed = any(self._done[job.number].error is not None for job in jobs)
        if not blamed and not isinstance(error, VlmscopeError):
            warnings.warn(
                f"{len(jobs)} images could not be looked at side by side and were looked at one by one: "
                f"{type(error).__name__}: {error}",
                VlmscopeWarning,
                stacklevel=2,
            )
