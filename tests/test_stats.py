"""Bootstrap intervals: against closed forms, and against a loop that does the same slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmscope.errors import BadSampleError
from vlmscope.stats import bootstrap, bootstrap_ratios, mean, ratio_of_sums


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
    monkeypatch.setattr("vlmscope.stats._CHUNK", 60)
    assert bootstrap(values, resamples=100, seed=3) == whole


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
        ([1.0], {"level": 1.0}, "level"),
        ([1.0], {"resamples": 0}, "resamples"),
        ([[1.0, 2.0]], {}, "one number per sample"),
    ],
)
def test_bad_input_is_refused(values: object, options: dict, words: str) -> None:
    with pytest.raises(BadSampleError, match=words):
        bootstrap(values, mean, **options)


def test_ratios_of_different_lengths_are_refused() -> None:
    with pytest.raises(BadSampleError, match="got"):
        bootstrap_ratios(np.ones((3, 2)), np.ones(4))
