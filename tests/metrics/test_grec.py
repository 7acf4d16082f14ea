"""Boxes of any number of objects, by hand and against a matching on counted squares."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.metrics import Grec
from vlmscope.metrics.boxes import generalised_iou

CASES = 1000
SIDE = 6


def squares(box: tuple) -> set[tuple[int, int]]:
    x0, y0, x1, y1 = box
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


def plain_overlap(one: tuple, two: tuple, match: str) -> Fraction:
    both, either = squares(one) & squares(two), squares(one) | squares(two)
    iou = Fraction(len(both), len(either)) if either else Fraction(0)
    corners = [*zip(one, two, strict=True)]
    hull = squares((min(corners[0]), min(corners[1]), max(corners[2]), max(corners[3])))
    if match == "iou" or not hull:
        return iou
    return iou - Fraction(len(hull - either), len(hull))


def plain_matched(answers: list[tuple], objects: list[tuple], match: str) -> int:
    """Takes the best pair, strikes both out, and goes on; answers are in the order of their rank."""
    left, free, pairs = list(answers), list(objects), 0
    while left and free:
        best, chosen = Fraction(-2), (0, 0)
        for row, answer in enumerate(left):
            for column, each in enumerate(free):
                overlap = plain_overlap(answer, each, match)
                if overlap > best:
                    best, chosen = overlap, (row, column)
        if best < Fraction(1, 2):
            break
        del left[chosen[0]], free[chosen[1]]
        pairs += 1
    return pairs


def random_boxes(rng: np.random.Generator, most: int) -> list[tuple]:
    boxes = []
    for _ in range(rng.integers(0, most + 1)):
        x0, x1 = sorted(rng.integers(0, SIDE + 1, 2).tolist())
        y0, y1 = sorted(rng.integers(0, SIDE + 1, 2).tolist())
        boxes.append((x0, y0, x1, y1))
    return boxes


def fuzzed() -> list[tuple[list[tuple], list[float], list[tuple]]]:
    """Predictions, their scores with ties at the threshold, and objects."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(CASES):
        truths = random_boxes(rng, 4)
        boxes = random_boxes(rng, 4)
        if number % 3 == 0:
            boxes = [*truths, *boxes[:1]] if number % 2 else list(truths)
        if number % 7 == 0:
            truths = []
        scores = rng.choice([0.1, 0.69, 0.7, 0.8, 0.9, 1], len(boxes)).tolist()
        cases.append((boxes, scores, truths))
    return cases


def plain_scores(cases: list[tuple], match: str, threshold: float) -> list[float]:
    f1s, absent, targeted = [], [], []
    for boxes, scores, truths in cases:
        ranked = sorted(zip(scores, boxes, strict=True), reverse=True)
        answers = [box for score, box in ranked if score >= threshold]
        if not truths:
            f1s.append(0.0 if answers else 1.0)
            absent.append(not answers)
            continue
        hits = plain_matched(answers, truths, match)
        spare, missed = len(answers) - hits, len(truths) - hits
        f1s.append(2 * hits / (2 * hits + spare + missed))
        targeted.append(bool(answers))
    perfect = [f1 == 1 for f1 in f1s]
    return [sum(values) / len(values) for values in (f1s, perfect, absent, targeted)]


@pytest.mark.parametrize("match", ["giou", "iou"])
@pytest.mark.parametrize(("start", "threshold"), [(0, 0.7), (600, 0.7), (0, 0.9)])
def test_scores_are_those_of_a_matching_on_squares(
    match: str, start: int, threshold: float
) -> None:
    metric, cases = Grec(match=match, threshold=threshold), fuzzed()[start:]
    rows = [metric.record(n, n // 3, *case) for n, case in enumerate(cases)]
    scores = metric.scores(rows)
    assert [s.metric for s in scores] == ["GREC F1", "GREC F1=1", "GREC N_acc", "GREC T_acc"]
    expected = plain_scores(cases, match, threshold)
    assert [score.interval.value for score in scores] == pytest.approx(expected, abs=1e-12)


def test_generalised_iou_is_that_of_squares() -> None:
    rng = np.random.default_rng(1)
    ties = 0
    for _ in range(4 * CASES):
        edges = np.sort(rng.integers(0, SIDE + 1, (2, 2, 2)), axis=1).reshape(2, 4)
        one, two = (tuple(box.tolist()) for box in edges)
        expected = plain_overlap(one, two, "giou")
        ties += expected == Fraction(1, 2)
        assert generalised_iou(one, two) == float(expected)
    assert ties > 5


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0),  # side by side: their hull is full
        ((0, 0, 1, 1), (9, 9, 10, 10), -0.98),
        ((0, 0, 4, 4), (1, 1, 3, 3), 0.25),
        ((0, 0, 3, 3), (1, 1, 4, 4), 4 / 14 - 2 / 16),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),
        ((0, 0, 0, 0), (5, 5, 5, 5), -1),
        ((0, 0, 0, 2), (0, 0, 2, 2), 0),
    ],
)
def test_generalised_iou_by_hand(one: tuple, two: tuple, expected: float) -> None:
    assert generalised_iou(one, two) == pytest.approx(expected)
    assert generalised_iou(two, one) == generalised_iou(one, two)


LEFT, RIGHT, BOTH = (0, 0, 10, 10), (20, 0, 30, 10), (0, 0, 30, 10)


@pytest.mark.parametrize(
    ("boxes", "scores", "truths", "f1", "answered"),
    [
        ([LEFT, RIGHT], [0.9, 0.8], [RIGHT, LEFT], 1, 1),
        ([LEFT, LEFT], [0.9, 0.8], [LEFT], 2 / 3, 1),  # one to one: the second is a spare
        ([LEFT], [0.9], [LEFT, RIGHT], 2 / 3, 1),
        ([BOTH], [0.9], [LEFT, RIGHT], 0, 1),
        ([LEFT, RIGHT], [0.9, 0.69], [LEFT], 1, 1),  # what scores less is no answer
        ([LEFT], [0.7], [LEFT], 1, 1),
        ([LEFT], [0.6], [LEFT], 0, 0),
        ([], [], [LEFT], 0, 0),
        ([], [], [], 1, 0),
        ([LEFT], [0.6], [], 1, 0),
        ([LEFT], [0.7], [], 0, 1),
    ],
)
def test_by_hand(boxes: list, scores: list, truths: list, f1: float, answered: int) -> None:
    found = {s.metric: s for s in Grec().scores([Grec().record(1, 1, boxes, scores, truths)])}
    assert found["GREC F1"].interval.value == pytest.approx(f1)
    assert found["GREC F1=1"].interval.value == (f1 == 1)
    right, other = ("GREC T_acc", "GREC N_acc") if truths else ("GREC N_acc", "GREC T_acc")
    assert found[right].interval.value == (answered if truths else 1 - answered)
    assert (found[other].interval, found[other].n) == (None, 0)


def test_iou_matches_where_generalised_iou_does_not() -> None:
    one, two = (0, 0, 10, 10), (0, 0, 6, 9)  # in one another: the hull is full
    off = (3, 0, 13, 10)  # 70 of 130, in a full hull
    skew = (1, 2, 11, 12)  # 72 of 128 in a hull of 132
    for box, matched in ((two, 1), (off, 1), (skew, 1), ((2, 1.5, 12, 11.5), 0)):
        assert Grec().record(1, 1, [box], [1], [one])["matched"] == matched
    corner = (1.7, 1.7, 11.7, 11.7)
    assert Grec().record(1, 1, [corner], [1], [one])["matched"] == 0
    assert Grec(match="iou").record(1, 1, [corner], [1], [one])["matched"] == 1


def test_of_pairs_that_overlap_alike_the_better_score_comes_first() -> None:
    objects = [(0, 0, 10, 10), (4, 0, 14, 10)]
    between, beside = (2, 0, 12, 10), (-2, 0, 8, 10)  # 2/3 with both; 2/3 with the first alone
    assert Grec().record(1, 1, [between, beside], [0.9, 0.8], objects)["matched"] == 1
    assert Grec().record(1, 1, [between, beside], [0.8, 0.9], objects)["matched"] == 2


def test_the_order_of_boxes_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    for number, (boxes, scores, truths) in enumerate(fuzzed()[:300]):
        order = rng.permutation(len(boxes))
        mixed = [boxes[n] for n in order], [scores[n] for n in order]
        assert Grec().record(number, 1, *mixed, truths) == Grec().record(
            number, 1, boxes, scores, truths
        )


def test_records_of_other_settings_are_refused() -> None:
    row = Grec().record("a", 1, [LEFT], [1], [LEFT])
    for other in (Grec(match="iou"), Grec(threshold=0.5)):
        with pytest.raises(BadSampleError, match=r"'a' was made with .*\('giou', 0.7\), not"):
            other.scores([row])


def test_the_definition_says_the_settings() -> None:
    assert "score 0.7 or more" in Grec().definition
    assert "Generalised IoU" in Grec().definition
    assert "Generalised" not in Grec(match="iou").definition


@pytest.mark.parametrize("options", [{"match": "iof"}, {"threshold": float("nan")}])
def test_options_that_are_none_are_refused(options: dict) -> None:
    with pytest.raises(BadOptionError, match="match is|threshold must"):
        Grec(**options)


def test_boxes_and_scores_that_are_none_are_refused() -> None:
    for scores in ([], [1, 1], [np.nan], [np.inf]):
        with pytest.raises(BadSampleError, match="one finite score"):
            Grec().record(1, 1, [LEFT], scores, [LEFT])
    with pytest.raises(BadSampleError, match="predicted box must"):
        Grec().record(1, 1, [(3, 0, 1, 1)], [1], [LEFT])
    with pytest.raises(BadSampleError, match="true box must"):
        Grec().record(1, 1, [], [], [(0, 0, np.nan, 1)])
