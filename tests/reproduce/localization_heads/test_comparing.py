"""Means over models, gains and rank correlations, by hand."""

from __future__ import annotations

import pytest

from vlmscope.reproduce.localization_heads.comparing import gain, rank_correlation
from vlmscope.reproduce.localization_heads.sums import COLUMNS, mean_of_models, scores_of


def row(**numbers: float) -> list[float]:
    """Sums of an image of one sentence; ``hit`` is Acc@0.5, ``iou`` RES mIoU."""
    names = {"hit": "Acc@0.5", "iou": "RES mIoU"}
    given = {names.get(name, name): value for name, value in numbers.items()}
    whole = {"sentences": 1.0, "masked": 1.0, **given}
    return [float(whole.get(column, 0.0)) for column in COLUMNS]


def test_scores_of_sums() -> None:
    table = [
        row(sentences=3, hit=2, masked=3, iou=1.5, inside=30, union=60),
        row(sentences=1, hit=0, masked=1, iou=0.1, inside=10, union=100),
    ]
    scores = scores_of(table)
    measured = {name: score.interval.value for name, score in scores.items() if score.interval}
    assert measured["Acc@0.5"] == pytest.approx(2 / 4)
    assert measured["RES oIoU"] == pytest.approx(40 / 160)
    assert measured["RES mIoU"] == pytest.approx(1.6 / 4)
    assert {(score.n, score.images) for score in scores.values()} == {(4, 2)}


def test_without_masks_there_is_no_score_of_masks() -> None:
    scores = scores_of([row(masked=0, hit=1)])
    assert list(scores) == ["Acc@0.5", "box IoU"]


def test_a_mean_of_models_is_the_mean_of_their_ratios() -> None:
    one = {"a": row(inside=10, union=20), "b": row(inside=0, union=20)}
    other = {"a": row(inside=20, union=20), "b": row(inside=20, union=20), "c": row(union=9)}
    score = mean_of_models([one, other])
    assert score is not None and score.interval is not None
    assert score.interval.value == pytest.approx((0.25 + 1) / 2)
    assert score.interval.low < score.interval.value < score.interval.high
    assert (score.n, score.images) == (2, 2)  # c is not common
    assert mean_of_models([one, {"z": row(union=1)}]) is None


def test_a_gain_is_the_difference_on_the_same_images() -> None:
    one = {"a": row(hit=1), "b": row(hit=1), "c": row(hit=1)}
    other = {"a": row(hit=0), "b": row(hit=1), "d": row(hit=0)}
    score = gain(one, other)
    assert score is not None and score.interval is not None
    assert score.interval == pytest.approx((0.5, 0.0, 1.0))
    assert (score.n, score.images) == (2, 2)
    assert gain(one, {"d": row()}) is None


@pytest.mark.parametrize(
    ("ious", "value"),
    [((0.9, 0.5, 0.1), 1.0), ((0.1, 0.5, 0.9), -1.0), ((0.9, 0.1, 0.5), 0.5), ((0.5,) * 3, 0.0)],
)
def test_a_rank_correlation(ious: tuple[float, ...], value: float) -> None:
    tables = [{"a": row(iou=iou), "b": row(iou=iou)} for iou in ious]
    score = rank_correlation([0.6, 0.4, 0.2], tables)
    assert score is not None and score.interval is not None
    assert score.interval.value == pytest.approx(value)
    assert (score.n, score.unit, score.images) == (3, "heads", 2)


def test_there_is_no_rank_among_few_or_equal_heads() -> None:
    tables = [{"a": row(iou=0.5)}] * 3
    assert rank_correlation([0.6, 0.4], tables[:2]) is None
    assert rank_correlation([0.5, 0.5, 0.5], tables) is None
    assert rank_correlation([0.6, 0.5, 0.4], [{"a": row(masked=0)}] * 3) is None
