"""Masks of any number of objects, by hand and against the rules spelled out one by one."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Gres

CASES = 1000
NAMES = ["GRES gIoU", "GRES cIoU", "N_acc", "T_acc", "Pr@0.7", "Pr@0.8", "Pr@0.9"]


def fuzzed() -> list[tuple[np.ndarray | None, np.ndarray | None, bool]]:
    """Predictions, truths, and whether the method rejected."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(CASES):
        size = tuple(rng.integers(1, 6, 2).tolist())
        truth = rng.random(size) < rng.choice([0.2, 0.5, 1])
        truth[0, 0] = True  # a target has a pixel
        predicted = rng.random(size) < rng.choice([0, 0.3, 1])
        if number % 4 == 0:
            predicted = truth ^ (rng.random(size) < 0.1)
        rejected = bool(rng.random() < 0.3)
        without_mask = rejected and number % 5 == 0
        no_target = rng.random() < 0.4
        cases.append((None if without_mask else predicted, None if no_target else truth, rejected))
    return cases


def walked(case: tuple) -> tuple[int, int]:
    """Pixels in both masks and in either; a mask that is not there has none."""
    inside = union = 0
    size = next((mask.shape for mask in case[:2] if mask is not None), (0, 0))
    for y in range(size[0]):
        for x in range(size[1]):
            one, two = (mask is not None and bool(mask[y, x]) for mask in case[:2])
            inside += one and two
            union += one or two
    return inside, union


def plain_scores(cases: list[tuple]) -> list[float]:
    total_iou = total_inside = total_union = 0.0
    rejections = {"right": 0, "missed": 0, "wrong": 0, "answered": 0}
    precise = {7: 0, 8: 0, 9: 0}
    for case in cases:
        inside, union = walked(case)
        _, truth, rejected = case
        if truth is None and rejected:
            rejections["right"] += 1
            total_iou += 1
        elif truth is None:
            rejections["missed"] += 1
            total_union += union
        elif rejected:
            rejections["wrong"] += 1
            total_union += union
        else:
            rejections["answered"] += 1
            total_iou += inside / union
            total_inside += inside
            total_union += union
            for tenths in precise:
                precise[tenths] += 10 * inside >= tenths * union
    targeted = rejections["wrong"] + rejections["answered"]
    return [
        total_iou / len(cases),
        total_inside / total_union,
        rejections["right"] / (rejections["right"] + rejections["missed"]),
        rejections["answered"] / targeted,
        *(count / targeted for count in precise.values()),
    ]


def records_of(cases: list[tuple]) -> list[dict]:
    return [Gres().record(n, n // 3, p, t, rejected=r) for n, (p, t, r) in enumerate(cases)]


@pytest.mark.parametrize(("start", "stop"), [(0, CASES), (0, 40), (500, 900)])
def test_scores_are_those_of_the_rules_spelled_out(start: int, stop: int) -> None:
    cases = fuzzed()[start:stop]
    scores = Gres().scores(records_of(cases))
    assert [score.metric for score in scores] == NAMES
    assert [s.interval.value for s in scores] == pytest.approx(plain_scores(cases), abs=1e-12)


def test_the_fuzz_holds_each_rule() -> None:
    kinds = [
        (truth is None, rejected, predicted is None) for predicted, truth, rejected in fuzzed()
    ]
    assert {kind: kinds.count(kind) > 20 for kind in kinds}.keys() == {
        *((True, True, False), (True, True, True), (True, False, False)),
        *((False, True, False), (False, True, True), (False, False, False)),
    }
    assert min(kinds.count(kind) for kind in set(kinds)) > 20


TARGET = np.array([[True, True, False, False, False]])
ANSWER = np.array([[False, True, True, False, False]])
NOTHING = np.zeros((1, 5), dtype=bool)


@pytest.mark.parametrize(
    ("predicted", "truth", "rejected", "iou", "pixels"),
    [
        (ANSWER, TARGET, False, 1 / 3, (1, 3)),
        (TARGET, TARGET, False, 1, (2, 2)),
        (ANSWER, TARGET, True, 0, (0, 3)),  # the union with the mask before the rejection
        (None, TARGET, True, 0, (0, 2)),
        (NOTHING, TARGET, False, 0, (0, 2)),
        (ANSWER, None, False, 0, (0, 2)),  # its area
        (ANSWER, None, True, 1, (0, 0)),
        (None, None, True, 1, (0, 0)),
        (NOTHING, None, False, 0, (0, 0)),  # an empty mask is no rejection
    ],
)
def test_by_hand(
    predicted: np.ndarray | None,
    truth: np.ndarray | None,
    rejected: bool,
    iou: float,
    pixels: tuple[int, int],
) -> None:
    other = Gres().record("other", 2, TARGET, TARGET, rejected=False)
    row = Gres().record("this", 1, predicted, truth, rejected=rejected)
    scores = {score.metric: score for score in Gres().scores([row, other])}
    assert scores["GRES gIoU"].interval.value == pytest.approx((iou + 1) / 2)
    assert scores["GRES cIoU"].interval.value == (pixels[0] + 2) / (pixels[1] + 2)
    assert (scores["GRES cIoU"].n, scores["GRES cIoU"].images) == (2, 2)
    if truth is None:
        assert scores["N_acc"].interval.value == rejected
        assert (scores["N_acc"].n, scores["T_acc"].n, scores["Pr@0.7"].n) == (1, 1, 1)
        assert scores["Pr@0.7"].interval.value == 1
    else:
        assert scores["N_acc"].interval is None
        assert scores["N_acc"].n == 0
        assert scores["T_acc"].interval.value == (0.5 if rejected else 1)
        assert scores["Pr@0.9"].interval.value == ((iou == 1) + 1) / 2


def test_precision_counts_ties() -> None:
    full = np.ones((1, 10), dtype=bool)
    for tenths, hits in ((6, [0, 0, 0]), (7, [1, 0, 0]), (8, [1, 1, 0]), (9, [1, 1, 1])):
        row = Gres().record(1, 1, np.arange(10)[None] < tenths, full, rejected=False)
        assert [score.interval.value for score in Gres().scores([row])[4:]] == hits


def test_records_hold_the_pixels_before_any_rule() -> None:
    row = Gres().record("a", 1, ANSWER, TARGET, rejected=True)
    ids, decision = {"id": "a", "image": 1}, {"absent": False, "rejected": True}
    assert row == {**ids, **decision, "inside": 1, "union": 3}


def test_a_targeted_record_without_a_pixel_is_no_hit() -> None:
    row = Gres().record("a", 1, ANSWER, TARGET, rejected=False) | {"inside": 0, "union": 0}
    assert Gres().scores([row])[0].interval.value == 0


def test_what_is_not_decided_is_refused() -> None:
    with pytest.raises(BadSampleError, match="did not reject 'a' and gave no mask"):
        Gres().record("a", 1, None, TARGET, rejected=False)
    with pytest.raises(BadSampleError, match="true mask of 'a' has no pixel. Pass None"):
        Gres().record("a", 1, ANSWER, NOTHING, rejected=False)
    with pytest.raises(BadSampleError, match="one size"):
        Gres().record("a", 1, ANSWER, TARGET.T, rejected=False)
    with pytest.raises(BadSampleError, match="must be bool"):
        Gres().record("a", 1, ANSWER.astype(np.uint8), None, rejected=False)
