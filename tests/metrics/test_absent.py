"""Scores of presence, and a threshold that is chosen where it is not scored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Absent, Threshold

CASES = 1000


def fuzzed(seed: int = 0) -> list[tuple[float, bool]]:
    """Scores, many of them tied, and whether there is no target."""
    rng = np.random.default_rng(seed)
    absent = rng.random(CASES) < 0.3
    return [(round(float(rng.normal(-int(no))), 1), bool(no)) for no in absent]


def records_of(cases: list[tuple[float, bool]], start: int = 0) -> list[dict]:
    return [
        Absent().record(start + n, (start + n) // 3, score, absent=absent)
        for n, (score, absent) in enumerate(cases)
    ]


def test_the_area_is_the_share_of_pairs_won() -> None:
    cases = fuzzed()
    won, pairs = 0.0, 0
    for here, no_here in cases:
        for gone, no_gone in cases:
            if no_gone and not no_here:
                pairs += 1
                won += 1 if here > gone else 0.5 if here == gone else 0
    (score,) = Absent().scores(records_of(cases))
    assert score.metric == "absent AUC"
    assert score.interval.value == pytest.approx(won / pairs)
    assert score.to_dict()["absent"] == sum(absent for _, absent in cases)
    assert (score.n, score.images) == (CASES, 334)


def test_one_kind_alone_has_no_area() -> None:
    for absent in (True, False):
        (score,) = Absent().scores(records_of([(0.5, absent), (0.7, absent)]))
        assert (score.interval, score.n) == (None, 2)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_scores_that_are_not_finite_are_refused(score: float) -> None:
    with pytest.raises(BadSampleError, match="finite number"):
        Absent().record(1, 1, score, absent=False)


def plain_threshold(cases: list[tuple[float, bool]]) -> float:
    """Tries every score, from the least."""
    best, chosen = -1, 0.0
    absent, present = ([score for score, no in cases if no is kind] for kind in (True, False))
    for candidate in sorted({*absent, *present, max(absent + present) + 1}):
        caught = sum(score < candidate for score in absent)
        kept = sum(score >= candidate for score in present)
        right = caught * len(present) + kept * len(absent)
        if right > best:
            best, chosen = right, candidate
    return chosen


@pytest.mark.parametrize("size", [4, 5, 7, 10, 1000])
def test_the_threshold_is_the_best_of_all_scores(size: int) -> None:
    for start in range(0, CASES - size + 1, max(20, size)):
        cases = fuzzed()[start : start + size]
        if len({absent for _, absent in cases}) == 2:
            assert Threshold.choose(records_of(cases), "val").value == plain_threshold(cases)


def test_scores_are_counted_one_by_one() -> None:
    threshold = Threshold.choose(records_of(fuzzed()), "val")
    cases = fuzzed(1)
    scores = threshold.scores(records_of(cases, CASES), "test")
    rejected = [score < threshold.value for score, _ in cases]
    absent = [no for _, no in cases]
    caught = sum(out and no for out, no in zip(rejected, absent, strict=True))
    kept = sum(not out and not no for out, no in zip(rejected, absent, strict=True))
    expected = [caught / sum(absent), kept / (CASES - sum(absent)), (caught + kept) / CASES]
    assert [s.metric for s in scores] == ["absent N_acc", "absent T_acc", "absent accuracy"]
    assert [score.interval.value for score in scores] == pytest.approx(expected)
    assert [score.n for score in scores] == [sum(absent), CASES - sum(absent), CASES]


def test_by_hand() -> None:
    val = records_of([(0.1, True), (0.4, True), (0.3, False), (0.6, False), (0.9, False)])
    threshold = Threshold.choose(val, "val")  # .3: 1 of 2 and 3 of 3; .6: 2 of 2 and 2 of 3
    assert threshold.value == 0.6
    assert threshold.rejects(0.59)
    assert not threshold.rejects(0.6)
    assert (
        Threshold.choose(records_of([(1, True), (0, False)]), "val").value == 0
    )  # ties: the least


def test_scores_that_tell_nothing_reject_nothing() -> None:
    upside_down = [(2.0, True), (1.0, True), (1.0, False), (0.0, False)]
    for cases in (upside_down, [(1.0, True), (1.0, False)]):
        threshold = Threshold.choose(records_of(cases), "val")
        assert not any(threshold.rejects(score) for score, _ in cases)


CHOSEN = Threshold.choose(records_of([(0.1, True), (0.9, False), (0.8, False)]), "val")


def test_it_is_not_scored_where_it_was_chosen() -> None:
    with pytest.raises(BadSampleError, match="chosen on 'val' and cannot be scored there"):
        CHOSEN.scores(records_of([(0.5, True)], 50), "val")
    with pytest.raises(
        BadSampleError, match="on the sentence 2 of 'val', which is in 'test' as well"
    ):
        CHOSEN.scores(records_of([(0.5, True)], 2), "test")


def test_images_of_the_other_split_are_counted() -> None:
    apart = CHOSEN.scores(records_of([(0.5, True)], 50), "test")
    assert {score.to_dict()["shared_images"] for score in apart} == {0}
    row = Absent().record(50, 0, 0.5, absent=True)
    shared = CHOSEN.scores([row, Absent().record(51, 0, 0.5, absent=False)], "test")
    assert shared[0].to_dict() | {"shared_images": 1} == shared[0].to_dict()
    assert (shared[0].to_dict()["threshold"], shared[0].to_dict()["chosen_on"]) == (0.8, "val")


def test_it_survives_json() -> None:
    again = Threshold.from_dict(json.loads(json.dumps(CHOSEN.to_dict())))
    assert again == CHOSEN
    assert again.ids == {0, 1, 2}
    with pytest.raises(BadSampleError, match="on the sentence 1"):
        again.scores(records_of([(0.5, True)], 1), "test")


@pytest.mark.parametrize("value", [None, "0.5", True, float("nan")])
def test_a_threshold_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(BadSampleError, match="must be a finite number"):
        Threshold.from_dict(CHOSEN.to_dict() | {"value": value})


def test_a_threshold_is_chosen_on_both_kinds() -> None:
    for absent in (True, False):
        with pytest.raises(BadSampleError, match="with and without a target, got . without"):
            Threshold.choose(records_of([(0.5, absent)]), "val")
    with pytest.raises(BadSampleError, match="with and without"):
        Threshold.choose([], "val")
    with pytest.raises(BadSampleError, match="recorded twice"):
        Threshold.choose(records_of([(0.5, True)]) * 2, "val")
    with pytest.raises(BadSampleError, match="no number"):
        CHOSEN.rejects(float("nan"))
