"""Work that is done in a thread before its result is wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from vlmscope.data.ahead import ahead


def test_results_come_in_order_with_their_items() -> None:
    found = [(item, result()) for item, result in ahead(range(7), lambda n: n * n)]
    assert found == [(n, n * n) for n in range(7)]


def test_nothing_gives_nothing() -> None:
    assert list(ahead([], str)) == []


def test_an_error_comes_with_its_own_item_and_the_rest_goes_on() -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(f"odd {number}")
        return number // 2

    found: list[object] = []
    for number, result in ahead(range(4), halve):
        try:
            found.append(result())
        except ValueError as error:
            found.append(f"{number}: {error}")
    assert found == [0, "1: odd 1", 1, "3: odd 3"]


def test_the_next_is_made_while_one_is_used_and_never_more_than_asked() -> None:
    made: list[int] = []

    def work(number: int) -> int:
        made.append(number)
        return number

    for number, result in ahead(range(20), work, count=2):
        result()
        deadline = time.monotonic() + 5
        while len(made) < min(number + 3, 20) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.005)
        assert len(made) == min(number + 3, 20)  # the one in use and two more


def test_items_are_taken_one_by_one() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    for number, result in ahead(source(), str):
        result()
        if number == 3:
            break
    assert len(taken) < 8


def test_it_works_in_another_thread_and_ends_it() -> None:
    names = {result() for _, result in ahead(range(3), lambda _: threading.current_thread().name)}
    assert all(name.startswith("vlmscope-ahead") for name in names)
    deadline = time.monotonic() + 5
    while any(t.name.startswith("vlmscope-ahead") for t in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread lives on"
        time.sleep(0.005)


def test_what_nobody_wants_is_not_made() -> None:
    made: list[int] = []

    def slow(number: int) -> int:
        time.sleep(0.01)
        made.append(number)
        return number

    with pytest.raises(KeyboardInterrupt):
        for _, result in ahead(range(100), slow):
            result()
            raise KeyboardInterrupt
    time.sleep(0.1)
    assert len(made) <= 3
