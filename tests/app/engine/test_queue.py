"""The line of jobs: order, places, cancelling, superseding, its end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vlmscope.app.engine.interrupt import Interrupt
from vlmscope.app.engine.job import Job
from vlmscope.app.engine.queue import JobQueue, Places
from vlmscope.app.refusal import Refusal

SOON = 20


@contextlib.contextmanager
def nothing(interrupt: Interrupt) -> Iterator[None]:
    yield


class Line:
    """A queue whose thread is held up until it is let go."""

    def __init__(self, most: int = 8) -> None:
        self.queue = JobQueue(most, nothing)
        self.order: list[str] = []
        self._go, begun = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            assert self._go.wait(SOON)

        self.first = self.add("first", work=work)
        assert begun.wait(SOON)

    def add(self, name: str, tab: str = "", endpoint: str = "/ground", work: Any = None) -> Job:
        job = Job(name, tab, endpoint, work or (lambda: self.order.append(name)))
        self.queue.submit(job)
        return job

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.let_go()
    made.queue.close()


def refused(job: Job) -> str:
    error = job.future.exception(SOON)
    assert isinstance(error, Refusal)
    return error.kind


def test_jobs_run_in_the_order_in_which_they_came(line: Line) -> None:
    jobs = [line.add(name, tab=name) for name in "abc"]
    line.let_go()
    for job in jobs:
        job.future.result(SOON)
    assert line.order == ["a", "b", "c"]


def test_a_newer_job_of_the_same_tab_takes_the_place_of_one_that_waits(line: Line) -> None:
    older = line.add("older", tab="one")
    other = line.add("other", tab="two")
    answer = line.add("answer", tab="one", endpoint="/answer")
    newer = line.add("newer", tab="one")
    assert refused(older) == "superseded"
    line.let_go()
    for job in (newer, other, answer):
        job.future.result(SOON)
    assert line.order == ["newer", "other", "answer"]


def test_jobs_without_a_tab_take_nobodys_place(line: Line) -> None:
    jobs = [line.add("a"), line.add("b")]
    line.let_go()
    assert [job.future.result(SOON) for job in jobs] == [None, None]
    assert line.order == ["a", "b"]


def test_a_job_that_waits_is_cancelled_at_once(line: Line) -> None:
    job = line.add("waits")
    assert line.queue.cancel("waits") == "waiting"
    assert refused(job) == "cancelled"
    assert line.queue.cancel("waits") is None
    assert line.queue.places("").waiting == 0


def test_the_answer_of_a_running_job_that_is_cancelled_is_dropped(line: Line) -> None:
    assert line.queue.cancel("first") == "running"
    assert line.first.interrupt.is_set
    line.let_go()
    assert refused(line.first) == "cancelled"


def test_places_are_counted_from_the_job_that_runs(line: Line) -> None:
    line.add("a", tab="one")
    line.add("b", tab="two")
    assert line.queue.places("two") == Places(waiting=2, running=1, of=2)
    assert line.queue.places("one").of == 1
    assert line.queue.places("three").of is None
    assert line.queue.places("").of is None


def test_a_full_line_takes_no_more(line: Line) -> None:
    for number in range(8):
        line.add(str(number), tab=str(number))
    with pytest.raises(Refusal) as caught:
        line.add("too many")
    assert (caught.value.status, caught.value.kind) == (429, "busy")
    line.add("instead", tab="3")  # in place of one is no more


def test_a_name_stands_for_one_job_at_a_time(line: Line) -> None:
    line.add("a")
    with pytest.raises(Refusal, match="waiting or running already"):
        line.add("a")
    with pytest.raises(Refusal, match="waiting or running already"):
        line.add("first")


def test_a_job_that_fails_stops_no_other(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret inside")

    wrong, right = line.add("wrong", work=fail), line.add("right")
    line.let_go()
    error = wrong.future.exception(SOON)
    assert isinstance(error, Refusal)
    assert (error.status, error.kind) == (500, "fault")
    assert "secret" not in error.message
    assert "secret inside" in caplog.text  # whoever started the app sees it
    assert right.future.result(SOON) is None


def test_out_of_memory_is_no_fault(line: Line) -> None:
    def fail() -> None:
        raise MemoryError

    job = line.add("large", work=fail)
    line.let_go()
    error = job.future.exception(SOON)
    assert isinstance(error, Refusal)
    assert (error.status, error.kind) == (503, "out-of-memory")


def test_the_end_refuses_what_waits_and_what_comes() -> None:
    line = Line()
    waiting = line.add("waits")
    threading.Timer(0.2, line.let_go).start()
    line.queue.close()
    assert refused(waiting) == "cancelled"
    assert refused(line.first) == "cancelled"
    with pytest.raises(Refusal, match="is ending"):
        line.add("late")
