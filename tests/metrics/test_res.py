"""Masks of single objects, by hand and against a walk over the pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import ReasonSeg, Res, intersection_union

CASES = 1000


def random_mask(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Now and then nothing or everything."""
    return rng.random(size) < rng.choice([0, 0.2, 0.5, 0.8, 1])


def fuzzed() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Predictions, truths, and which pixels are ignored."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(CASES):
        size = tuple(rng.integers(1, 6, 2).tolist())
        predicted, truth, ignored = (random_mask(rng, size) for _ in range(3))
        if number % 6 == 0:
            truth = predicted.copy()
        cases.append((predicted, truth, ignored if number % 2 else np.zeros_like(truth)))
    return cases


def walked(predicted: np.ndarray, truth: np.ndarray, ignored: np.ndarray) -> tuple[int, int]:
    inside = union = 0
    for y in range(truth.shape[0]):
        for x in range(truth.shape[1]):
            if ignored[y, x]:
                continue
            if predicted[y, x] and truth[y, x]:
                inside += 1
            if predicted[y, x] or truth[y, x]:
                union += 1
    return inside, union


def plain_iou(counts: tuple[int, int]) -> Fraction:
    return Fraction(*counts) if counts[1] else Fraction(1)


def plain_means(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """Of sums, and of samples."""
    overall = sum(inside for inside, _ in counts) / sum(union for _, union in counts)
    return overall, float(sum(map(plain_iou, counts)) / len(counts))


@pytest.mark.parametrize("start", [0, 700])
def test_res_is_that_of_walked_pixels(start: int) -> None:
    cases = fuzzed()[start:]
    rows = [Res().record(n, n // 3, p, t) for n, (p, t, _) in enumerate(cases)]
    counts = [walked(p, t, np.zeros_like(t)) for p, t, _ in cases]
    assert [(row["inside"], row["union"]) for row in rows] == counts
    overall, mean = plain_means(counts)
    expected = {"RES oIoU": overall, "RES mIoU": mean}
    for tenths in (5, 6, 7, 8, 9):
        hits = [plain_iou(each) >= Fraction(tenths, 10) for each in counts]
        expected[f"Pr@0.{tenths}"] = sum(hits) / len(hits)
    scores = {score.metric: score.interval.value for score in Res().scores(rows)}
    assert scores == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("start", [0, 700])
def test_reasonseg_is_that_of_walked_pixels(start: int) -> None:
    cases = fuzzed()[start:]
    labels = [np.where(ignored, 255, truth).astype(np.uint8) for _, truth, ignored in cases]
    rows = [ReasonSeg().record(n, n // 3, c[0], labels[n]) for n, c in enumerate(cases)]
    counts = [walked(*case) for case in cases]
    assert [(row["inside"], row["union"]) for row in rows] == counts
    overall, mean = plain_means(counts)
    scores = {score.metric: score.interval.value for score in ReasonSeg().scores(rows)}
    expected = {"ReasonSeg gIoU": mean, "ReasonSeg cIoU": overall}
    assert scores == pytest.approx(expected, abs=1e-12)


def test_the_fuzz_holds_ties_empty_unions_and_masks_that_are_ignored_whole() -> None:
    counts = [walked(*case) for case in fuzzed()]
    assert sum(plain_iou(each) == Fraction(1, 2) for each in counts) > 10
    assert sum(union == 0 for _, union in counts) > 50
    assert sum(bool(ignored.all()) for *_, ignored in fuzzed()) > 50


def test_pycocotools_says_the_same() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    compared = 0
    for predicted, truth, _ in fuzzed():
        inside, union = intersection_union(predicted, truth)
        if union == 0:
            continue  # it has no word on empty unions
        masks = [
            coco.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in (predicted, truth)
        ]
        assert inside / union == pytest.approx(coco.iou(masks[:1], masks[1:], [0])[0, 0], abs=1e-12)
        compared += 1
    assert compared > 800


def row_of(pixels: str) -> np.ndarray:
    """A mask of one row, ``#`` on the object."""
    return np.array([[pixel == "#" for pixel in pixels]])


def test_res_by_hand() -> None:
    rows = [
        Res().record(1, "x", row_of("####......"), row_of("####......")),
        Res().record(2, "x", row_of("#####....."), row_of("..####....")),  # 3 of 6
        Res().record(3, "y", row_of(".........."), row_of("##########")),
    ]
    scores = {score.metric: score for score in Res().scores(rows)}
    assert list(scores)[:2] == ["RES oIoU", "RES mIoU"]
    values = {name: score.interval.value for name, score in scores.items()}
    assert values["RES oIoU"] == pytest.approx(7 / 20)
    assert values["RES mIoU"] == pytest.approx(0.5)
    assert [values[f"Pr@0.{n}"] for n in (5, 6, 7, 8, 9)] == pytest.approx([2 / 3] + [1 / 3] * 4)
    assert {(score.n, score.images) for score in scores.values()} == {(3, 2)}


def test_reasonseg_by_hand() -> None:
    labels = np.array([[1, 1, 0, 255, 255]], dtype=np.uint8)
    row = ReasonSeg().record(1, 1, row_of("#..##"), labels)
    assert (row["inside"], row["union"]) == (1, 2)  # what is predicted on 255 counts for nothing
    empty = ReasonSeg().record(2, 2, row_of("...##"), np.array([[0, 0, 0, 255, 255]]))
    scores = {score.metric: score.interval.value for score in ReasonSeg().scores([row, empty])}
    assert scores == {"ReasonSeg gIoU": 0.75, "ReasonSeg cIoU": 0.5}


def test_empty_unions_alone_have_no_overall_iou() -> None:
    row = Res().record(1, 1, row_of(".."), row_of(".."))
    scores = {score.metric: score for score in Res().scores([row])}
    assert scores["RES oIoU"].interval is None
    assert (scores["RES oIoU"].n, scores["RES oIoU"].images) == (1, 1)
    assert scores["RES mIoU"].interval.value == 1


@pytest.mark.parametrize("metric", [Res(), ReasonSeg()])
def test_masks_of_other_sizes_or_numbers_are_refused(metric: Res | ReasonSeg) -> None:
    truth = np.zeros((2, 3), dtype=bool if isinstance(metric, Res) else np.uint8)
    with pytest.raises(BadSampleError, match=r"one size \(height, width\)"):
        metric.record(1, 1, np.zeros((3, 2), dtype=bool), truth)
    with pytest.raises(BadSampleError, match="must be bool, got uint8"):
        metric.record(1, 1, np.zeros((2, 3), dtype=np.uint8), truth)
    with pytest.raises(BadSampleError, match="must be bool, got float64"):
        metric.record(1, 1, np.zeros((2, 3)), truth)


@pytest.mark.parametrize("label", [2, 254, -1])
def test_labels_that_mean_nothing_are_refused(label: int) -> None:
    with pytest.raises(BadSampleError, match=rf"0, 1 or 255 \(ignored\), got \[{label}\]"):
        ReasonSeg().record(1, 1, row_of("##"), np.array([[0, label]]))
