"""The confusion matrix and mIoU, against loops over pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vlmscope.data.datasets import WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.confusion import (
    class_ious,
    confusion_counts,
    confusion_matrix,
    mean_iou,
    pixel_accuracy,
)
from vlmscope.evaluation.pixel_classes import classify_pixels
from vlmscope.evaluation.tasks import Segmentation
from vlmscope.types import Role, TokenMap, View

A = [[0, 0, 6], [0, 1, 2], [1, 1, 4]]
B = [[0, 0, 1], [1, 0, 3], [2, 3, 5]]


def test_counts_are_those_of_a_loop_over_pixels() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(-1, 4, (9, 7)), rng.integers(0, 4, (9, 7))
    slow: dict[tuple[int, int], int] = {}
    for true, found in zip(truth.ravel(), predicted.ravel(), strict=True):
        if true >= 0:
            slow[true, found] = slow.get((true, found), 0) + 1
    expected = [[int(t), int(p), n] for (t, p), n in sorted(slow.items())]
    assert confusion_counts(truth, predicted, 4) == expected


def test_ignored_pixels_may_hold_any_prediction() -> None:
    assert confusion_counts(np.array([-1, 0]), np.array([99, 0]), 2) == [[0, 0, 1]]
    assert confusion_counts(np.array([-1]), np.array([0]), 2) == []
    assert confusion_counts(np.zeros(0, int), np.zeros(0, int), 2) == []


@pytest.mark.parametrize(
    ("truth", "predicted", "reason"),
    [
        ([0, 1], [0], "one shape"),
        ([0, 2], [0, 0], "truth holds classes from 0 to 2; there are 2"),
        ([0, 1], [0, 2], "prediction holds classes"),
        ([0, 1], [0, -1], "prediction holds classes from -1"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(
    truth: list[int], predicted: list[int], reason: str
) -> None:
    with pytest.raises(BadSampleError, match=reason):
        confusion_counts(np.array(truth), np.array(predicted), 2)


def test_rows_of_the_matrix_are_the_truth() -> None:
    expected = [[7, 2, 0, 0], [3, 4, 0, 0], [0, 0, 0, 5], [0, 0, 0, 0]]
    matrix = confusion_matrix([A, B], 4)
    assert matrix.tolist() == expected and matrix.dtype == np.int64


def test_iou_by_hand() -> None:
    """Class 0: 7 right of 7 + 2 + 3; class 1: 4 of 4 + 3 + 2; class 2: none; class 3: no truth."""
    ious = class_ious(confusion_matrix([A, B], 4))
    assert ious[:3].tolist() == pytest.approx([7 / 12, 4 / 9, 0.0])
    assert np.isnan(ious[3])


def test_miou_is_over_the_data_set_not_over_images() -> None:
    value = mean_iou([A, B], 4, only_true=True).value
    assert value == pytest.approx((7 / 12 + 4 / 9 + 0) / 3)
    assert mean_iou([A, B], 4).value == pytest.approx((7 / 12 + 4 / 9 + 0 + 0) / 4)  # as mmseg
    by_image = [mean_iou([counts], 4, only_true=True).value for counts in (A, B)]
    assert abs(value - np.mean(by_image)) > 0.05


def by_mmseg(
    truths: list[np.ndarray], predictions: list[np.ndarray], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """mmseg's areas, image by image and class by class, 255 ignored in truth and prediction alike.

    Returns:
        The IoU of each class, NaN where it is neither true nor predicted; its true pixels.
    """
    inside, true, said = (np.zeros(classes) for _ in range(3))
    for truth, predicted in zip(truths, predictions, strict=True):
        counts = truth != 255
        for index in range(classes):
            a, b = (truth == index) & counts, (predicted == index) & counts
            inside[index] += (a & b).sum()
            true[index] += a.sum()
            said[index] += b.sum()
    with np.errstate(invalid="ignore"):
        return inside / (true + said - inside), true


@pytest.mark.parametrize("seed", range(30))
def test_miou_is_mmsegs_on_maps_of_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 25))
    here = rng.choice(classes, rng.integers(1, classes + 1), replace=False)
    truths, predictions = [], []
    for _ in range(int(rng.integers(1, 6))):
        size = rng.integers(1, 30, 2)
        truth = rng.choice(here, size)
        truth[rng.random(size) < rng.random()] = 255
        wrong = rng.random(size) < rng.random()
        predicted = np.where(
            wrong, rng.integers(0, classes, size), np.where(truth == 255, 0, truth)
        )
        truths.append(truth)
        predictions.append(predicted)
    ious, true = by_mmseg(truths, predictions, classes)
    words = WordList.plain([f"class {index}" for index in range(classes)], "fuzz")
    records = {
        str(number): confusion_counts(np.where(truth == 255, -1, truth), predicted, classes)
        for number, (truth, predicted) in enumerate(zip(truths, predictions, strict=True))
    }
    score, present, _ = Segmentation().scores(records, words, 0)
    if not true.any():
        assert score.interval is None and present.interval is None
        return
    assert np.allclose(
        class_ious(confusion_matrix(list(records.values()), classes))[true > 0], ious[true > 0]
    )
    assert score.interval is not None and present.interval is not None
    assert score.interval.value == pytest.approx(np.nanmean(ious))
    assert present.interval.value == pytest.approx(ious[true > 0].mean())
    if (true > 0).sum() == classes:
        assert score.interval.value == pytest.approx(present.interval.value)
    assert (
        score.detail["classes_present"] == (true > 0).sum() and score.detail["classes"] == classes
    )
    mmseg = score.detail["mmseg"]
    assert mmseg["value"] == pytest.approx(np.nanmean(ious), abs=1e-6)
    assert mmseg["classes"] == np.isfinite(ious).sum()


def test_a_class_that_is_only_predicted_counts_0_or_not_at_all() -> None:
    assert mean_iou([[[0, 0, 5]]], 2).value == 1.0
    assert mean_iou([[[0, 0, 5], [0, 1, 5]]], 2).value == 0.25
    assert mean_iou([[[0, 0, 5], [0, 1, 5]]], 2, only_true=True).value == 0.5


def test_a_class_that_was_not_drawn_is_not_missed() -> None:
    """All right but for a pixel of class 0 that class 1 gets: without image b there is no class 1."""
    images = [[[0, 0, 9], [0, 1, 1]], [[1, 1, 10]]]
    interval = mean_iou(images, 2)
    assert interval.value == pytest.approx((9 / 10 + 10 / 11) / 2)
    # of the first image alone, as often as it likes: class 0 and its nine of ten
    assert interval.low == pytest.approx(9 / 10)
    assert interval.high == pytest.approx(1.0)


def test_a_single_pixel_counts() -> None:
    assert mean_iou([[[1, 1, 1]]], 3) == (1.0, 1.0, 1.0)
    assert class_ious(confusion_matrix([[[1, 1, 1]]], 3))[1] == 1
    assert pixel_accuracy([[[1, 1, 1]]]) == (1.0, 1.0, 1.0)


def test_accuracy_by_hand() -> None:
    assert pixel_accuracy([A, B]).value == pytest.approx(11 / 21)


def test_the_interval_is_that_of_resampled_images() -> None:
    """Drawn one by one, every resample with a matrix of its own."""
    rng = np.random.default_rng(1)
    images = [
        confusion_counts(rng.integers(-1, 5, 40), rng.integers(0, 5, 40), 5) for _ in range(12)
    ]
    drawn = []
    for _ in range(2000):
        matrix = confusion_matrix([images[i] for i in rng.integers(0, 12, 12)], 5)
        drawn.append(np.nanmean(class_ious(matrix)))
    low, high = np.quantile(drawn, (0.025, 0.975))
    found = mean_iou(images, 5)
    assert found.value == pytest.approx(np.nanmean(class_ious(confusion_matrix(images, 5))))
    assert found.low == pytest.approx(low, abs=0.008)
    assert found.high == pytest.approx(high, abs=0.008)
    assert mean_iou(images, 5) == found
    assert mean_iou(images, 5, seed=1) != found


def test_resamples_without_a_pixel_do_no_harm() -> None:
    found = mean_iou([[[0, 0, 3]], []], 2)
    assert found.value == 1.0
    assert 0.0 <= found.low <= found.high <= 1.0


def test_accuracy_of_resamples_without_a_pixel_is_zero() -> None:
    images = [[[0, 0, 3], [1, 0, 1]], [], []]
    left_in_memory = [np.full(1000, 9.0) for _ in range(9)]
    often = np.random.default_rng(0).multinomial(3, np.full(3, 1 / 3), 1000)
    drawn = np.where(often[:, 0] > 0, 0.75, 0.0)
    del left_in_memory  # what is not divided is written all the same
    with np.errstate(all="raise"):
        found = pixel_accuracy(images)
    assert found == (0.75, *np.quantile(drawn, (0.025, 0.975))) == (0.75, 0.0, 0.75)


@pytest.mark.parametrize(
    "metric", [pixel_accuracy, lambda images, **seed: mean_iou(images, 5, **seed)]
)
def test_the_seed_of_the_interval_is_zero_unless_told(metric: Callable) -> None:
    rng = np.random.default_rng(1)
    images = [
        confusion_counts(rng.integers(0, 5, 40), rng.integers(0, 5, 40), 5) for _ in range(12)
    ]
    assert metric(images) == metric(images, seed=0) != metric(images, seed=1)


def test_no_image_is_refused() -> None:
    with pytest.raises(BadSampleError, match="at least one sample"):
        mean_iou([], 3)


# classes of chosen pixels


def columns(views: int = 1) -> TokenMap:
    """An image of 2 x 4 pixels under one row of two cells, once or twice."""
    view = View("image", np.arange(2), np.array([0.0, 2.0]), np.array([0.0, 2.0, 4.0]))
    roles = np.full(2 * views, Role.IMAGE, dtype=np.int8)
    return TokenMap(roles, ("",) * 2 * views, (2, 4), (view,) * views)


WHERE = np.array([[True, True, False, True], [False, False, True, False]])


def test_the_class_of_a_pixel_is_the_highest_between_cell_centres() -> None:
    scores = np.array([[0.0, 2.0, 1.0], [4.0, 2.0, 1.0]])
    # class 0 is 0, 1, 3 and 4 along a row; class 1 is 2 everywhere
    found = classify_pixels(columns(), scores, WHERE)
    assert found.tolist() == [1, 1, 0, 0] and found.dtype == np.int64
    twice = classify_pixels(columns(2), np.concatenate([scores, scores]), WHERE)
    assert twice.tolist() == [1, 1, 0, 0]


def test_the_class_of_a_pixel_between_cells_of_a_column() -> None:
    """The same on an image of 4 x 2 pixels under one column of two cells."""
    view = View("image", np.arange(2), np.array([0.0, 2.0, 4.0]), np.array([0.0, 2.0]))
    tall = TokenMap(np.full(2, Role.IMAGE, dtype=np.int8), ("",) * 2, (4, 2), (view,))
    scores = np.array([[0.0, 2.0, 1.0], [4.0, 2.0, 1.0]])
    assert classify_pixels(tall, scores, WHERE.T).tolist() == [1, 1, 0, 0]


def test_the_first_of_equal_classes_wins() -> None:
    everywhere = np.ones((2, 4), dtype=bool)
    assert classify_pixels(columns(), np.ones((2, 3)), everywhere).tolist() == [0] * 8


def test_no_pixel_has_no_class() -> None:
    found = classify_pixels(columns(), np.ones((2, 3)), np.zeros((2, 4), dtype=bool))
    assert found.shape == (0,) and found.dtype == np.int64


def test_a_single_view_is_not_painted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label map leaves most pixels out: they cost nothing."""
    monkeypatch.setattr(TokenMap, "to_pixels", None)
    assert classify_pixels(columns(), np.eye(2), WHERE).tolist() == [0, 0, 1, 1]
