"""Bootstraps over images: of sums, and of the area under the ROC curve."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vlmscope import stats as resampling
from vlmscope.errors import BadSampleError
from vlmscope.evaluation import roc_auc as roc_module
from vlmscope.evaluation.roc_auc import roc_auc
from vlmscope.stats import bootstrap, bootstrap_sums, ratio_of_sums


def ratio(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def test_sums_agree_with_the_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.uniform(0, 5, 40), rng.uniform(5, 9, 40)], axis=1)
    plain = bootstrap(values, ratio_of_sums, resamples=4000)
    found = bootstrap_sums(values, ratio, resamples=4000)
    assert found.value == pytest.approx(plain.value)
    assert found.low == pytest.approx(plain.low, abs=0.006)
    assert found.high == pytest.approx(plain.high, abs=0.006)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        values = np.random.default_rng(seed).exponential(1.0, (60, 1))
        found = bootstrap_sums(values, lambda sums: sums[:, 0] / 60, resamples=400, seed=seed)
        covered += found.low <= 1.0 <= found.high
    assert 175 <= covered <= 199  # 95% of 200 is 190; skewed samples lose a few


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only how much is held at a time, not what is drawn."""
    rng = np.random.default_rng(0)
    values, scores = rng.uniform(1, 5, (30, 2)), rng.normal(size=90)
    there, images = rng.uniform(size=90) < 0.3, [i // 3 for i in range(90)]
    whole = bootstrap_sums(values, ratio), roc_auc(scores, there, images)
    monkeypatch.setattr(resampling, "_CHUNK", 700)
    monkeypatch.setattr(roc_module, "_CHUNK", 700)
    assert (bootstrap_sums(values, ratio), roc_auc(scores, there, images)) == whole


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "at least one sample"),
        ([1.0, 2.0], r"sums needs numbers of shape \(images, k\)"),
        ([[]], "at least one sample"),
        ([[np.nan, 1.0]], "finite"),
        ([[np.inf, 1.0]], "finite"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: list[object], words: str) -> None:
    with pytest.raises(BadSampleError, match=words):
        bootstrap_sums(values, ratio)


# area under the ROC curve


def by_pairs(scores: np.ndarray, there: np.ndarray) -> float:
    """Every pair of a present and an absent one, a tie counting half."""
    pairs = list(itertools.product(scores[there], scores[~there]))
    return float(np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]))


@pytest.mark.parametrize("levels", [3, 1000])
def test_the_area_is_that_of_all_pairs(levels: int) -> None:
    rng = np.random.default_rng(levels)
    scores = rng.integers(0, levels, 80).astype(float)
    there = rng.uniform(size=80) < 0.25 + 0.5 * scores / levels
    found = roc_auc(scores, there, list(range(80)))
    assert found.value == pytest.approx(by_pairs(scores, there), abs=1e-12)
    assert found.low < found.value < found.high


def test_perfect_useless_and_inverted_scores() -> None:
    there = np.array([True, True, False, False])
    assert roc_auc([2, 3, 0, 1], there, "abcd").value == 1.0
    assert roc_auc([1, 1, 1, 1], there, "abcd").value == 0.5
    assert roc_auc([0, 1, 2, 3], there, "abcd").value == 0.0


def test_images_are_resampled_whole() -> None:
    """With all classes of an image drawn together the interval is wider than pair by pair."""
    rng = np.random.default_rng(0)
    shift = np.repeat(rng.normal(size=20), 10)  # what the classes of an image have in common
    there = np.repeat(rng.uniform(size=20) < 0.5, 10)
    scores = shift + 0.5 * there + 0.1 * rng.normal(size=200)
    images = np.repeat(np.arange(20), 10).tolist()
    together, apart = roc_auc(scores, there, images), roc_auc(scores, there, list(range(200)))
    assert together.value == apart.value
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("scores", "there", "images"),
    [
        ([1.0, 2.0], [True], "ab"),
        ([1.0, 2.0], [True, False], "a"),
        ([1.0, 2.0], [True, True], "ab"),
        ([1.0, 2.0], [False, False], "ab"),
        ([1.0, np.nan], [True, False], "ab"),
    ],
)
def test_scores_without_a_curve_are_refused(scores: list, there: list, images: str) -> None:
    with pytest.raises(BadSampleError, match="one length|finite scores"):
        roc_auc(scores, there, images)
