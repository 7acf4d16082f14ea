"""Bootstraps over images: of sums, and of the area under the ROC curve."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vlmscope import stats as resampling
from vlmscope.errors import BadSampleError
from vlmscope.metrics import roc_auc as roc_module
from vlmscope.metrics.roc_auc import roc_auc
from vlmscope.stats import bootstrap, bootstrap_sums, ratio_of_sums


def ratio(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def tails(drawn: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """What a percentile interval is."""
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12)


def test_the_interval_is_of_sums_over_drawn_images() -> None:
    values = np.random.default_rng(0).random((6, 2))
    often = np.random.default_rng(4).multinomial(6, np.full(6, 1 / 6), 200)
    found = bootstrap_sums(values, ratio, resamples=200, seed=4, level=0.9)
    value = pytest.approx(values[:, 0].sum() / values[:, 1].sum())
    assert found == (value, *tails(ratio(often @ values), 0.9))


def test_a_thousand_resamples_of_seed_zero_and_95_percent_unless_told() -> None:
    values = np.random.default_rng(0).random((30, 2))
    told = {"resamples": 1000, "seed": 0, "level": 0.95}
    assert bootstrap_sums(values, ratio) == bootstrap_sums(values, ratio, **told)
    there, images = np.arange(30) % 3 == 0, list(range(30))
    scores = values[:, 0]
    assert roc_auc(scores, there, images) == roc_auc(scores, there, images, **told)


def test_single_numbers_and_single_precision_are_summed() -> None:
    assert bootstrap_sums([[2.0]], lambda sums: sums[:, 0], resamples=3) == (2.0, 2.0, 2.0)
    values = np.random.default_rng(0).random((30, 2)).astype(np.float32)
    double = values.astype(np.float64)
    assert bootstrap_sums(values, ratio, resamples=9) == bootstrap_sums(double, ratio, resamples=9)


@pytest.mark.parametrize(
    ("shape", "chunk", "rows"),
    [
        ((4, 2), 12, [3, 3, 1]),
        ((2, 4), 12, [3, 3, 1]),
        ((2, 4), 15, [3, 3, 1]),
        ((9, 1), 5, [1] * 7),
    ],
)
def test_no_more_is_held_at_a_time_than_a_chunk(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], chunk: int, rows: list[int]
) -> None:
    held = []

    def statistic(sums: np.ndarray) -> np.ndarray:
        held.append(len(sums))
        return sums[:, 0]

    monkeypatch.setattr(resampling, "_CHUNK", chunk)
    bootstrap_sums(np.ones(shape), statistic, resamples=7)
    assert held == [*rows, 1]  # the last one is the value


def test_a_chunk_is_four_million_numbers() -> None:
    held = []

    def statistic(sums: np.ndarray) -> np.ndarray:
        held.append(len(sums))
        return sums[:, 0]

    bootstrap_sums(np.ones((1, 1 << 21)), statistic, resamples=3)
    assert held == [2, 1, 1]


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


def test_the_interval_is_of_pairs_on_drawn_images() -> None:
    scores = np.array([0.5, 0.1, 0.9, 0.5, 0.7, 0.2, 0.5, 0.8, 0.3])
    there = np.array([True, True, True, True, False, False, False, False, True])
    images = np.array([3, 3, 1, 1, 0, 0, 2, 2, 1])
    order = [3, 1, 0, 2]  # images in the order in which they are met
    drawn = []
    for often in np.random.default_rng(6).multinomial(4, np.full(4, 1 / 4), 150):
        times = dict(zip(order, often, strict=True))
        rows = np.repeat(np.arange(9), [times[image] for image in images])
        if 0 < there[rows].sum() < len(rows):  # a resample of one kind alone has no curve
            drawn.append(by_pairs(scores[rows], there[rows]))
    assert 0 < len(drawn) < 150
    with np.errstate(all="raise"):
        found = roc_auc(
            scores, there.astype(int), images.tolist(), resamples=150, seed=6, level=0.9
        )
    assert found == (pytest.approx(by_pairs(scores, there)), *tails(np.array(drawn), 0.9))


def test_one_pair_is_a_curve() -> None:
    assert roc_auc([2, 1], [1, 0], "ab").value == 1.0
    assert roc_auc([2, 1], [1, 0], "aa") == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("chunk", "rows"), [(12, [3, 3, 1]), (15, [3, 3, 1]), (2, [1] * 7)])
def test_no_more_scores_are_held_at_a_time_than_a_chunk(
    monkeypatch: pytest.MonkeyPatch, chunk: int, rows: list[int]
) -> None:
    held, areas = [], roc_module._Pairs.areas
    monkeypatch.setattr(roc_module, "_CHUNK", chunk)
    monkeypatch.setattr(
        roc_module._Pairs,
        "areas",
        lambda self, draws: (held.append(len(draws)), areas(self, draws))[1],
    )
    roc_auc([2, 1, 3, 0], [1, 0, 1, 0], "aabb", resamples=7)
    assert held == [1, *rows]  # the first one is the value


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
        ([np.inf, 1.0], [True, False], "ab"),
        ([[1.0, 2.0], [3.0, 4.0]], [[True, False], [True, False]], "ab"),
    ],
)
def test_scores_without_a_curve_are_refused(scores: list, there: list, images: str) -> None:
    with pytest.raises(BadSampleError, match="one length|finite scores"):
        roc_auc(scores, there, images)
