"""Records are read once, none counts twice, and intervals draw images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Absent, Grec, Gres, ReasonSeg, Rec, RefL4, Res
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.records import header

METRICS = [Rec(), RefL4(), Res(), ReasonSeg(), Gres(), Grec(), Absent()]
BOX = (0.0, 0.0, 2.0, 2.0)
MASK = np.ones((2, 3), dtype=bool)


def record_of(metric: object, sample: str | int, image: str | int, *, right: bool = True) -> dict:
    match metric:
        case Rec():
            return metric.record(sample, image, BOX if right else None, BOX, point=(1, 1))
        case RefL4():
            return metric.record(sample, image, BOX if right else None, BOX, "cat")
        case Res():
            return metric.record(sample, image, MASK & right, MASK)
        case ReasonSeg():
            return metric.record(sample, image, MASK & right, MASK.astype(np.uint8))
        case Gres():
            return metric.record(sample, image, MASK, MASK, rejected=not right)
        case Grec():
            return metric.record(sample, image, [BOX] if right else [], [0.9] * right, [BOX])
        case _:
            return metric.record(
                sample, image, sample % 7 if isinstance(sample, int) else 0.0, absent=not right
            )


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
class TestEveryMetric:
    def test_records_survive_json(self, metric: object) -> None:
        rows = [record_of(metric, n, n // 2, right=n % 3 > 0) for n in range(9)]
        again = [json.loads(line) for line in map(json.dumps, rows)]
        assert again == rows
        assert metric.scores(again) == metric.scores(iter(rows))

    def test_a_run_that_goes_on_scores_as_one(self, metric: object) -> None:
        rows = [record_of(metric, n, n // 2, right=n % 3 > 0) for n in range(9)]
        other_order = [*rows[6:], *rows[:6]]
        for one, two in zip(metric.scores(rows), metric.scores(other_order), strict=True):
            assert (one.metric, one.n, one.images) == (two.metric, two.n, two.images)
            value = None if one.interval is None else one.interval.value
            assert value == (None if two.interval is None else pytest.approx(two.interval.value))

    def test_a_sentence_that_is_there_twice_is_refused(self, metric: object) -> None:
        rows = [record_of(metric, "a", 1), record_of(metric, "a", 2)]
        with pytest.raises(BadSampleError, match="'a' was recorded twice"):
            metric.scores(rows)

    def test_another_metrics_record_is_refused(self, metric: object) -> None:
        with pytest.raises(BadSampleError, match="holds no '.*another metric's"):
            metric.scores([{"id": 1, "image": 1}, {"id": 2, "image": 1}])

    def test_without_a_record_no_score_has_a_value(self, metric: object) -> None:
        scores = metric.scores([])
        assert scores
        assert {(score.interval, score.n, score.images) for score in scores} == {(None, 0, 0)}
        assert {score.to_dict()["value"] for score in scores} == {None}

    def test_scores_are_counted_in_sentences_and_images(self, metric: object) -> None:
        rows = [record_of(metric, n, n // 2, right=n != 1) for n in range(6)]
        first = metric.scores(rows)[0]
        assert (first.n, first.unit, first.images) == (6, "sentences", 3)
        assert {"value", "low", "high", "n", "unit", "images"} <= set(first.to_dict())

    def test_the_seed_is_zero_unless_told(self, metric: object) -> None:
        right = np.random.default_rng(0).random(80) < 0.5
        rows = [record_of(metric, n, n, right=bool(right[n])) for n in range(80)]
        assert metric.scores(rows) == metric.scores(rows, seed=0)
        told = [
            (s.interval.low, s.interval.high) for s in metric.scores(rows, seed=1) if s.interval
        ]
        assert told != [
            (s.interval.low, s.interval.high) for s in metric.scores(rows) if s.interval
        ]

    def test_every_interval_is_drawn_by_the_seed(
        self, metric: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seeds = []

        def drawn(*values: object, seed: int) -> object:
            seeds.append(seed)
            return [None] * np.shape(values[0])[-1]  # as many as there are columns

        monkeypatch.setattr("vlmscope.metrics.image_sums.bootstrap_ratios", drawn)
        monkeypatch.setattr("vlmscope.metrics.ref_l4.bootstrap_sums", drawn)
        monkeypatch.setattr("vlmscope.metrics.absent.roc_auc", drawn)
        metric.scores([record_of(metric, n, n, right=n > 1) for n in range(4)], seed=5)
        assert seeds
        assert set(seeds) == {5}

    def test_it_says_what_it_measures(self, metric: object) -> None:
        assert len(metric.definition) > 50


@pytest.mark.parametrize("bad", [None, 1.0, True, b"a", np.int64(3), ("a",)])
def test_ids_that_json_would_change_are_refused(bad: object) -> None:
    with pytest.raises(BadSampleError, match="id of the sentence"):
        header(bad, 1)
    with pytest.raises(BadSampleError, match="id of the image"):
        header(1, bad)


@pytest.mark.parametrize("missing", ["id", "image"])
def test_a_record_without_its_ids_is_refused(missing: str) -> None:
    record = {"id": 1, "image": 1, "score": 0.5, "absent": False}
    del record[missing]
    with pytest.raises(BadSampleError, match=f"holds no '{missing}'"):
        Absent().scores([record])


def _sums(rows: list[tuple[str, float, float]]) -> ImageSums:
    records = [{"id": n, "image": image} for n, (image, *_) in enumerate(rows)]
    return ImageSums.of(
        records, lambda record: dict(zip("ab", rows[record["id"]][1:], strict=True))
    )


def test_sums_stand_by_image_in_the_order_they_come() -> None:
    sums = _sums([("x", 1, 2), ("y", 3, 4), ("x", 5, 6)])
    assert sums.columns == ("a", "b")
    assert sums.table.tolist() == [[6, 8], [3, 4]]
    assert sums["b"].tolist() == [8, 4]


def test_a_score_is_a_ratio_of_sums_and_its_interval_draws_images() -> None:
    rng = np.random.default_rng(7)
    rows = [(f"{n // 3}", float(rng.integers(0, 5)), float(rng.integers(5, 9))) for n in range(24)]
    (score,) = _sums(rows).scores(["a"], over="b", seed=3)
    assert score.interval.value == sum(row[1] for row in rows) / sum(row[2] for row in rows)
    draws = np.random.default_rng(3).multinomial(8, np.full(8, 1 / 8), 1000)
    ratios = []
    for often in draws:  # every image as often as it was drawn, all its sentences with it
        top = sum(
            times * row[1] for image, times in enumerate(often) for row in rows[3 * image :][:3]
        )
        low = sum(
            times * row[2] for image, times in enumerate(often) for row in rows[3 * image :][:3]
        )
        ratios.append(top / low)
    assert score.interval[1:] == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])))


def test_images_whose_denominator_is_zero_are_not_drawn() -> None:
    some = [("x", 1.0, 2.0), ("y", 1.0, 1.0), ("z", 1.0, 4.0)]
    nothing = [(f"empty {n}", 0.0, 0.0) for n in range(50)]
    assert _sums(some + nothing).scores(["a"], over="b") == _sums(some).scores(["a"], over="b")
    assert _sums(nothing).scores(["a"], over="b")[0].interval is None


def test_what_is_counted_may_differ_from_the_denominator() -> None:
    (score,) = _sums([("x", 1, 40), ("x", 1, 2), ("y", 0, 3)]).scores(["b"], over="b", counted="a")
    assert (score.n, score.images, score.interval.value) == (2, 1, 1.0)
