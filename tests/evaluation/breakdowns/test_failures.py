"""Failures in common, worked out again in the plainest way."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from made_rows import made_row, random_rows
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.breakdowns import failures

LABELS = ["a", "b", "c"]


def runs(count: int) -> list[list[dict[str, object]]]:
    """Three runs on the same sentences."""
    first = random_rows(count, 0)
    chance = np.random.default_rng(1)
    again = [
        [row if row["absent"] else {**row, "iou": float(chance.random())} for row in first]
        for _ in range(2)
    ]
    return [first, *again]


def test_shares_are_those_of_the_sentences() -> None:
    every = runs(300)
    found = failures(LABELS, every, seed=3)
    wrong = np.array([[r["iou"] < 0.5 for r in rows if not r["absent"]] for rows in every])  # type: ignore[operator]
    for pair, (one, two) in zip(found.pairs, combinations(range(3), 2), strict=True):
        assert pair.labels == (LABELS[one], LABELS[two])
        values = [score.interval.value for score in (pair.both, pair.first, pair.second)]  # type: ignore[union-attr]
        both, first, second = (
            wrong[one] & wrong[two],
            wrong[one] & ~wrong[two],
            ~wrong[one] & wrong[two],
        )
        assert values == pytest.approx([both.mean(), first.mean(), second.mean()])
        assert pair.expected == pytest.approx(wrong[one].mean() * wrong[two].mean())
        assert pair.both.interval.low <= values[0] <= pair.both.interval.high  # type: ignore[union-attr]
        assert pair.both.n == wrong.shape[1]
    assert found.missed.interval.value == pytest.approx(wrong.all(axis=0).mean())  # type: ignore[union-attr]


def test_what_everybody_misses_is_listed_twenty_at_most_and_by_lot() -> None:
    every = runs(600)
    found = failures(LABELS, every, seed=3)
    missed = {
        row["id"]
        for row, *more in zip(*every, strict=True)
        if not row["absent"] and all(each["iou"] < 0.5 for each in (row, *more))  # type: ignore[operator]
    }
    listed = [each["id"] for each in found.examples]
    assert found.missed.detail == {"count": len(missed)}
    assert len(missed) > 20 == len(listed) == len(set(listed))
    assert set(listed) <= missed
    assert listed == [each["id"] for each in failures(LABELS, every, seed=3).examples]
    assert listed != [each["id"] for each in failures(LABELS, every, seed=4).examples]
    backwards = [rows[::-1] for rows in every]
    assert listed == [each["id"] for each in failures(LABELS, backwards, seed=3).examples]


def test_a_few_are_all_listed() -> None:
    rows = [made_row(number, iou=0.2 * number) for number in range(5)]
    found = failures(["x", "y"], [rows, rows])
    assert {each["id"] for each in found.examples} == {"s0", "s1", "s2"}
    assert (found.pairs[0].both.interval or [0])[0] == pytest.approx(0.6)
    assert found.pairs[0].expected == pytest.approx(0.36)


def test_a_box_of_iou_one_half_is_right() -> None:
    found = failures(["x", "y"], [[made_row(0, iou=0.5)], [made_row(0, iou=0.4999)]])
    [pair] = found.pairs
    assert [(s.interval or [None])[0] for s in (pair.both, pair.first, pair.second)] == [0, 0, 1]


@pytest.mark.parametrize("other", [[made_row(0), made_row(2)], [made_row(0)]])
def test_runs_on_other_sentences_are_refused(other: list[dict[str, object]]) -> None:
    with pytest.raises(BadSampleError, match="same sentences"):
        failures(["x", "y"], [[made_row(0), made_row(1)], other])


def test_where_nothing_is_there_is_no_share() -> None:
    rows = [made_row(0, absent=True, iou=None)]
    found = failures(["x", "y"], [rows, rows])
    assert found.missed.interval is None and found.pairs[0].expected is None
    assert found.to_dict()["pairs"][0]["both"]["n"] == 0
