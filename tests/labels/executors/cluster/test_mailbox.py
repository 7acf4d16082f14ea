"""A line of calls loses nothing, and waits where something has to be certain."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from vlmscope.labels.executors import Chunk
from vlmscope.labels.executors.child import Begun, Done, Ready, Work
from vlmscope.labels.executors.cluster import mailbox
from vlmscope.labels.executors.cluster.mailbox import GATHERED, Mailbox


def test_news_that_can_wait_is_gathered_and_in_order() -> None:
    box = Mailbox()
    said = [Begun("a"), Done(1), Begun("b")]
    box.send(said[0])
    threading.Timer(GATHERED / 3, lambda: [box.send(each) for each in said[1:]]).start()
    begun = time.monotonic()
    assert list(box.take()) == said
    assert time.monotonic() - begun < 10 * GATHERED


def test_what_the_job_waits_for_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "GATHERED", 3600.0)
    box = Mailbox()
    box.send(Begun("a"))
    box.send(Ready({}))
    assert box.take() == (Begun("a"), Ready({}))


def test_silence_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_SILENCE", 0.01)
    assert Mailbox().take() == ()


def test_who_must_be_sure_waits_until_the_job_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_SILENCE", 0.01)
    box, steps = Mailbox(), []

    def worker() -> None:
        box.send(Begun("a"), sure=True)
        steps.append("went on")

    thread = threading.Thread(target=worker, daemon=True)
    thread.start()
    taken: tuple[Any, ...] = ()
    while not taken:
        taken = box.take()
    thread.join(0.1)
    assert (taken, steps) == ((Begun("a"),), [])  # it was handed out, and may be lost on its way
    box.take()
    thread.join(10)
    assert steps == ["went on"]


def test_work_is_given_in_order() -> None:
    box = Mailbox()
    works = [Work(Chunk(name, ())) for name in "abc"]
    for work in works:
        box.put(work)
    assert [box.recv() for _ in works] == works
