"""Two runs on the same images: ratio and difference, against loops over drawn images."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.confusion import class_sums, mean_of_true, mean_of_union
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.paired import (
    Paired,
    SummedScore,
    interval_of,
    paired,
    resampled,
    summed_scores,
)
from vlmscope.metrics.roc_auc import AreaScore, roc_auc
from vlmscope.stats import bootstrap_sums

Counts = list[list[int]]

# rows of (true, predicted, pixels) of five images; class 3 is never true, class 4 never there
FIRST: list[Counts] = [
    [[0, 0, 9], [0, 1, 1]],
    [[1, 1, 6], [1, 3, 2]],
    [[0, 0, 4], [2, 2, 8]],
    [[2, 1, 5], [2, 2, 5]],
    [[1, 1, 7]],
]
SECOND: list[Counts] = [
    [[0, 0, 5], [0, 1, 5]],
    [[1, 1, 3], [1, 0, 5]],
    [[0, 2, 4], [2, 2, 8]],
    [[2, 2, 9], [2, 3, 1]],
    [[1, 0, 4], [1, 1, 3]],
]
IDS = tuple("abcde")


def slow_miou(images: list[Counts], present: bool) -> float:
    """Class by class over a dictionary, each image as often as it is in the list."""
    ious = []
    for index in range(5):
        inside = true = said = 0
        for image in images:
            for a, b, pixels in image:
                inside += pixels * (a == b == index)
                true += pixels * (a == index)
                said += pixels * (b == index)
        if true or (not present and index >= 3 and said):  # 3 and 4 are true nowhere
            ious.append(inside / (true + said - inside))
    return sum(ious) / len(ious)


def score(images: list[Counts], present: bool = False, ids: tuple[str, ...] = IDS) -> SummedScore:
    sums = class_sums(images, 5)
    return SummedScore("mIoU", ids, sums, mean_of_true if present else mean_of_union(sums))


@pytest.mark.parametrize("present", [False, True])
def test_ratio_and_difference_are_those_of_loops(present: bool) -> None:
    found = paired(score(FIRST, present), score(SECOND, present), seed=4)
    draws = np.random.default_rng(4).multinomial(5, np.full(5, 0.2), 1000)
    ratios, differences = [], []
    for counts in draws:
        drawn = [place for place, n in enumerate(counts) for _ in range(n)]
        one, two = (slow_miou([run[i] for i in drawn], present) for run in (FIRST, SECOND))
        if two > 0:
            ratios.append(one / two)
        differences.append(one - two)
    one, two = slow_miou(FIRST, present), slow_miou(SECOND, present)
    assert found.ratio == pytest.approx((one / two, *np.quantile(ratios, [0.025, 0.975])))
    assert found.difference == pytest.approx((one - two, *np.quantile(differences, [0.025, 0.975])))


def test_by_hand_on_two_images() -> None:
    """All right against half right: ratio 2 whatever is drawn, so the interval is a point."""
    right, half = [[[0, 0, 8]]] * 2, [[[0, 0, 4], [0, 1, 4]]] * 2
    ids = ("a", "b")
    whole = paired(score(right, True, ids), score(half, True, ids))
    assert whole == Paired((2.0, 2.0, 2.0), (0.5, 0.5, 0.5))
    # as mmseg counts, class 1 is predicted and 0: (1/2 + 0) / 2
    assert paired(score(right, False, ids), score(half, False, ids)).ratio == (4.0, 4.0, 4.0)


def test_paired_is_narrower_than_unpaired() -> None:
    """A run that is worse by a tenth everywhere, on images that differ a lot."""
    values = np.random.default_rng(0).random(40)
    ids = tuple(map(str, range(40)))
    ones = np.ones(40)
    scores = [
        SummedScore("x", ids, np.stack([part, ones], axis=1), lambda sums: sums[:, 0] / sums[:, 1])
        for part in (values, 0.9 * values)
    ]
    found = paired(*scores)
    assert found.ratio is not None and found.difference is not None
    assert found.ratio == pytest.approx((1 / 0.9,) * 3)
    single = interval_of(resampled(scores[0]))
    assert single is not None
    assert found.difference.high - found.difference.low < 0.2 * (single.high - single.low)


def test_draws_are_those_of_the_single_scores() -> None:
    values = resampled(score(FIRST), seed=2)
    sums = class_sums(FIRST, 5)
    assert interval_of(values) == bootstrap_sums(sums, mean_of_union(sums), seed=2)
    rng = np.random.default_rng(1)
    scores, present = rng.random(30), rng.random(30) < 0.4
    groups = np.repeat(np.arange(10), 3)
    area = AreaScore("AUC", tuple(map(str, range(10))), scores, present, groups)
    assert interval_of(resampled(area, seed=3)) == roc_auc(scores, present, list(groups), seed=3)


def test_some_images_alone_are_those_images() -> None:
    only = np.array([True, False, True, False, True])
    some = [image for image, kept in zip(FIRST, only, strict=True) if kept]
    expected = resampled(score(some, ids=("a", "c", "e")), seed=5)
    assert np.array_equal(resampled(score(FIRST), seed=5, only=only), expected)
    assert not np.isfinite(resampled(score(FIRST), only=np.zeros(5, bool))).any()


def test_mixed_takes_each_image_of_its_run() -> None:
    own = np.array([True, False, True, False, True])
    mixed = score(FIRST).mixed(score(SECOND), own)
    by_hand = [one if kept else two for one, two, kept in zip(FIRST, SECOND, own, strict=True)]
    assert resampled(mixed)[0] == pytest.approx(slow_miou(by_hand, False))
    area = AreaScore("AUC", ("a", "b"), np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 0, 1], bool),
                     np.array([0, 0, 1, 1]))  # fmt: skip
    other = AreaScore("AUC", ("a", "b"), -area.scores, area.present, area.groups)
    assert area.mixed(other, np.array([True, False])).scores.tolist() == [1.0, 2.0, -3.0, -4.0]


def test_what_has_no_ratio() -> None:
    nothing = [[[0, 1, 3]]] * 5
    found = paired(score(FIRST), score(nothing))
    assert found.ratio is None and found.difference is not None
    none = SummedScore("x", IDS, np.zeros((5, 2)), lambda sums: np.full(len(sums), np.nan))
    assert paired(none, none) == Paired(None, None)
    with pytest.raises(BadSampleError, match="different images"):
        paired(score(FIRST), score(SECOND, ids=tuple("abcdf")))


def test_columns_of_sums_are_their_scores() -> None:
    rows = [{"id": str(n), "image": n // 2, "hit": n % 3 == 0, "weight": 1.0 + n} for n in range(8)]
    sums = ImageSums.of(rows, lambda row: {"n": row["weight"], "hit": float(row["hit"])})
    [single] = sums.scores(["hit"], over="n", seed=6)
    [drawn] = summed_scores(sums, ["hit"], "n")
    assert drawn.images == ("0", "1", "2", "3")
    assert single.interval == pytest.approx(interval_of(resampled(drawn, seed=6)))
