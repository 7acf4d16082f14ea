"""Labelled points, by hand and against a walk over them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import LabelledPoints

CASES = 1000


def fuzzed() -> list[tuple[int, int, list[bool], list[str]]]:
    """Image, class, predictions, truths."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(CASES):
        words = ["yes", *rng.choice(["yes", "no", "unsure"], rng.integers(0, 9)).tolist()]
        says = (rng.random(len(words)) < rng.choice([0, 0.5, 1])).tolist()
        if number % 4 == 0:
            says = [word == "yes" for word in words]
        cases.append((number // 4, int(rng.integers(0, 9)), says, words))
    return cases


def plain_mean(points: list[tuple[bool, str]]) -> float:
    """Of the IoUs of yes and of no that have a point."""
    ious = []
    for word, sign in (("yes", True), ("no", False)):
        either = [p for p in points if p[1] != "unsure" and (p[1] == word or p[0] is sign)]
        both = [p for p in either if p[1] == word and p[0] is sign]
        if either:
            ious.append(len(both) / len(either))
    return sum(ious) / len(ious)


@pytest.mark.parametrize("start", [0, 900])
def test_scores_are_those_of_walked_points(start: int) -> None:
    metric, cases = LabelledPoints(), fuzzed()[start:]
    rows = [metric.record(n, case[0], *case[1:]) for n, case in enumerate(cases)]
    rows = [json.loads(json.dumps(row)) for row in rows]
    means, pools = [], {}
    for _, label, says, words in cases:
        points = list(zip(says, words, strict=True))
        means.append(plain_mean(points))
        pools.setdefault(label, []).extend(points)
    mean, pooled = metric.scores(rows)
    assert mean.interval.value == pytest.approx(sum(means) / len(means))
    assert pooled.interval.value == pytest.approx(sum(map(plain_mean, pools.values())) / len(pools))
    assert (mean.metric, pooled.metric) == ("points mIoU", "points mIoU pooled")
    images = len({case[0] for case in cases})
    assert {(s.n, s.unit, s.images) for s in (mean, pooled)} == {(len(cases), "pairs", images)}
    assert pooled.to_dict()["classes"] == len(pools)


def value_of(says: list[bool], words: list[str]) -> float:
    metric = LabelledPoints()
    return metric.scores([metric.record(1, 1, "cat", says, words)])[0].interval.value


def test_by_hand() -> None:
    assert value_of([True, False], ["yes", "no"]) == 1
    assert value_of([True, True], ["yes", "no"]) == 0.25  # 1 of 2, and 0 of 1
    assert value_of([True], ["yes"]) == 1  # no point is no: left out
    assert value_of([False], ["yes"]) == 0
    assert value_of([True, True], ["yes", "unsure"]) == 1
    record = LabelledPoints().record(1, 1, 3, [True, True, False, False], ["yes", "no"] * 2)
    assert [record[name] for name in ("class", "both", "predicted", "true", "neither")] == [
        3,
        *[1] * 4,
    ]


def test_classes_pool_their_points() -> None:
    metric = LabelledPoints()
    rows = [
        metric.record(1, 1, "cat", [True] * 9, ["yes"] * 9),
        metric.record(2, 2, "cat", [False], ["yes"]),
    ]
    mean, pooled = metric.scores(rows)
    assert mean.interval.value == 0.5
    assert pooled.interval.value == 0.45  # 9 of 10, and 0 of 1


def test_resamples_average_over_the_classes_drawn() -> None:
    metric = LabelledPoints()
    rows = [metric.record(n, n, n, [True], ["yes"]) for n in range(6)]
    assert metric.scores(rows)[1].interval == (1, 1, 1)
    assert {score.interval for score in metric.scores([])} == {None}


def test_points_that_are_none_are_refused() -> None:
    record = LabelledPoints().record
    with pytest.raises(BadSampleError, match="bool, one for each of 2 points, got bool"):
        record(1, 1, "cat", [True], ["yes", "no"])
    with pytest.raises(BadSampleError, match="must be bool, .* got float64"):
        record(1, 1, "cat", [0.5], ["yes"])
    with pytest.raises(BadSampleError, match=r"got \['maybe'\] for 1"):
        record(1, 1, "cat", [True], ["maybe"])
    with pytest.raises(BadSampleError, match=r"one at least yes, got \['no', 'unsure'\] for 1"):
        record(1, 1, "cat", [True, True], ["no", "unsure"])
    with pytest.raises(BadSampleError, match="id of the class"):
        record(1, 1, None, [True], ["yes"])
