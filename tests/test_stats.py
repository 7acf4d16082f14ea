"""Bootstrap intervals: against closed forms, and against a loop that does the same slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmscope import stats
from vlmscope.errors import BadSampleError
from vlmscope.stats import Interval, bootstrap, bootstrap_ratios, mean, ratio_of_sums


def tails(drawn: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """What a percentile interval is."""
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12)


def test_an_interval_reads_as_score_and_brackets() -> None:
    assert str(Interval(0.5, 0.25, 0.7501)) == "0.500 [0.250, 0.750]"


def test_statistics_are_one_number_per_resample() -> None:
    assert mean(np.array([[1.0, 2.0, 6.0], [3.0, 5.0, 7.0]])).tolist() == [3, 5]
    pairs = [[[1, 3], [1, 1], [3, 6]], [[1, 0], [2, 1], [1, 0]], [[4, 0], [5, 0], [6, 0]]]
    left_in_memory = [np.full(3, 9.0) for _ in range(9)]
    del left_in_memory  # what is not divided is written all the same
    with np.errstate(all="raise"):
        assert ratio_of_sums(np.array(pairs, float)).tolist() == [0.5, 4, 0]


def test_the_interval_is_of_samples_drawn_with_replacement() -> None:
    values = np.random.default_rng(0).normal(size=7)
    rows = np.random.default_rng(5).integers(0, 7, (200, 7))
    found = bootstrap(values, resamples=200, seed=5, level=0.9)
    assert found == (pytest.approx(values.mean()), *tails(values[rows].mean(axis=1), 0.9))


def test_ratios_are_of_the_sums_of_drawn_samples() -> None:
    rng = np.random.default_rng(0)
    tops, bottoms = rng.random((7, 3)), rng.random(7)
    often = np.random.default_rng(5).multinomial(7, np.full(7, 1 / 7), 200)
    drawn = (often @ tops) / (often @ bottoms)[:, None]
    found = bootstrap_ratios(tops, bottoms, resamples=200, seed=5, level=0.9)
    assert len(found) == 3
    for column, interval in enumerate(found):
        value = pytest.approx(tops[:, column].sum() / bottoms.sum())
        assert interval == (value, *tails(drawn[:, column], 0.9))


def test_a_thousand_resamples_of_seed_zero_and_95_percent_unless_told() -> None:
    values = np.random.default_rng(0).random(30)
    told = {"resamples": 1000, "seed": 0, "level": 0.95}
    assert bootstrap(values) == bootstrap(values, **told)
    ratios = values[:, None], np.ones(30)
    assert bootstrap_ratios(*ratios) == bootstrap_ratios(*ratios, **told)


def test_what_comes_in_single_precision_is_summed_in_double() -> None:
    values = np.random.default_rng(0).random(30).astype(np.float32)
    assert bootstrap(values, resamples=9) == bootstrap(values.astype(np.float64), resamples=9)


def test_interval_of_a_mean_is_the_normal_one_for_many_samples() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, size=400)
    found = bootstrap(values, resamples=4000, seed=2)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_a_higher_level_gives_a_wider_interval() -> None:
    values = np.random.default_rng(0).random(50)
    narrow, wide = bootstrap(values, level=0.5), bootstrap(values, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(0).random(30)
    assert bootstrap(values, seed=7) == bootstrap(values, seed=7)
    assert bootstrap(values, seed=7) != bootstrap(values, seed=8)


def test_ratio_of_sums_weighs_samples_by_their_denominator() -> None:
    values = [[1.0, 1.0], [0.0, 9.0]]
    found = bootstrap(values, ratio_of_sums)
    assert found.value == pytest.approx(0.1)  # the mean of the ratios would be 0.5
    assert (found.low, found.high) == (0.0, 1.0)


def test_chunks_give_what_one_draw_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(20)
    whole = bootstrap(values, resamples=100, seed=3)
    for chunk in (7, 60):  # less than one draw, three draws
        monkeypatch.setattr("vlmscope.stats._CHUNK", chunk)
        assert bootstrap(values, resamples=100, seed=3) == whole


@pytest.mark.parametrize(("chunk", "rows"), [(60, [3, 3, 3, 1]), (79, [3, 3, 3, 1]), (7, [1] * 10)])
def test_no_more_is_held_at_a_time_than_a_chunk(
    monkeypatch: pytest.MonkeyPatch, chunk: int, rows: list[int]
) -> None:
    held = []

    def statistic(values: np.ndarray) -> np.ndarray:
        held.append(len(values))
        return values.sum(axis=(1, 2))

    monkeypatch.setattr(stats, "_CHUNK", chunk)
    bootstrap(np.ones((10, 2)), statistic, resamples=10)
    assert held == [*rows, 1]  # the last one is the value


def test_ratios_of_many_columns_agree_with_one_column_at_a_time() -> None:
    rng = np.random.default_rng(5)
    tops, bottoms = rng.random((80, 3)), rng.integers(1, 6, size=80)
    for column, found in enumerate(bootstrap_ratios(tops, bottoms, resamples=4000, seed=1)):
        pair = np.stack([tops[:, column], bottoms], axis=1)
        slow = bootstrap(pair, ratio_of_sums, resamples=4000, seed=2)
        assert found.value == pytest.approx(slow.value)
        assert found.low == pytest.approx(slow.low, abs=0.01)
        assert found.high == pytest.approx(slow.high, abs=0.01)


def test_ratios_with_nothing_to_divide_by_are_zero() -> None:
    assert bootstrap_ratios([[0.0], [0.0]], [0.0, 0.0])[0] == (0.0, 0.0, 0.0)
    left_in_memory = [np.full((4, 3), 9.0) for _ in range(9)]
    del left_in_memory  # what is not divided is written all the same
    with np.errstate(all="raise"):
        found = bootstrap_ratios(np.ones((2, 3)), np.zeros(2), resamples=4)
    assert found == ((0.0, 0.0, 0.0),) * 3


def test_a_sum_of_one_is_divided_by() -> None:
    assert bootstrap_ratios([[0.5]], [1.0], resamples=3) == ((0.5, 0.5, 0.5),)


def test_one_resample_of_one_sample_is_enough() -> None:
    assert bootstrap([2.0], resamples=1) == (2.0, 2.0, 2.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 99))
def test_the_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    found = bootstrap(values, resamples=50, seed=seed)
    slack = 1e-6 * (1 + max(map(abs, values)))
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e3, 1e3), st.integers(1, 20))
def test_equal_values_have_no_spread(value: float, count: int) -> None:
    found = bootstrap([value] * count, resamples=20)
    assert found.low == pytest.approx(value) and found.high == pytest.approx(value)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([], {}, "at least one sample"),
        ([1.0, float("nan")], {}, "NaN"),
        ([[[1.0]]], {}, "got shape"),
        (1.0, {}, "at least one sample"),
        ([1.0], {"level": 1.0}, "level"),
        ([1.0], {"level": 0.0}, "level"),
        ([1.0], {"resamples": 0}, "resamples"),
        ([[1.0, 2.0]], {}, "one number per sample"),
    ],
)
def test_bad_input_is_refused(values: object, options: dict, words: str) -> None:
    with pytest.raises(BadSampleError, match=words):
        bootstrap(values, mean, **options)


@pytest.mark.parametrize(
    ("tops", "bottoms"), [((3, 2), (4,)), ((3,), (3,)), ((3, 2), (3, 2)), ((3, 2), (3, 1))]
)
def test_ratios_of_other_shapes_are_refused(tops: tuple, bottoms: tuple) -> None:
    with pytest.raises(BadSampleError, match=r"Numerators must be \(n, k\)"):
        bootstrap_ratios(np.ones(tops), np.ones(bottoms))
