"""The time left, by a clock that is set by hand."""

from __future__ import annotations

from itertools import count

import pytest

from vlmscope.reproduce.costs import Cost, cost_rows
from vlmscope.reproduce.pace import Pace


@pytest.mark.parametrize(
    ("images", "seconds", "shown"), [(29, 1, "20 s"), (1209, 1, "20 min"), (1209, 60, "20.0 h")]
)
def test_what_is_left_by_the_first_images(images: int, seconds: int, shown: str) -> None:
    said: list[str] = []
    ticks = count(0, 8 * seconds)  # asked at the first image and at the eighth after it
    pace = Pace(images * 10, said.append, lambda: float(next(ticks)))
    for _ in range(20):
        pace.computed(10)
    assert said == [f"about {shown} left, by the first 8 images"]


def test_what_an_earlier_run_did_is_not_left() -> None:
    said: list[str] = []
    ticks = count(0, 8)
    pace = Pace(290, said.append, lambda: float(next(ticks)))
    pace.passed_over(100)
    for _ in range(9):
        pace.computed(10)
    assert said == ["about 10 s left, by the first 8 images"]


def test_costs_add_up() -> None:
    rows = cost_rows([("a", Cost(1, 2, 3, 4_000)), ("b", Cost(10, 20, 30, 40))])
    assert rows[-1] == ("all", "11", "22", "33", "4,040")
