"""Intervals of shares: Wilson's, and of samples that are weighted and come in clusters."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.stats import clustered_share, wilson


def test_wilson_by_hand() -> None:
    found = wilson(0.5, 100)
    assert (found.low, found.high) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    all_right = wilson(1.0, 10)
    assert (all_right.low, all_right.high) == pytest.approx((10 / (10 + 1.959964**2), 1.0))


def test_equal_weights_without_clusters_are_wilsons() -> None:
    hits = [True] * 30 + [False] * 10
    found = clustered_share(hits, np.ones(40), np.arange(40))
    # the unbiased variance of 40 samples is that of 39
    assert found == pytest.approx(wilson(0.75, 39), abs=1e-9)


def test_samples_that_always_agree_within_a_cluster_count_once() -> None:
    hits = np.repeat([True, False, True, True, False, True, True, True, False, True], 8)
    single = clustered_share(hits[::8], np.ones(10), np.arange(10))
    many = clustered_share(hits, np.ones(80), np.repeat(np.arange(10), 8))
    assert many == pytest.approx(single)


def test_where_all_agree_clusters_count() -> None:
    found = clustered_share(np.ones(50), np.ones(50), np.repeat(np.arange(5), 10))
    assert found == pytest.approx(wilson(1.0, 5))
    assert clustered_share([True], [3.0], ["a"]) == pytest.approx(wilson(1.0, 1))


def test_weights_move_the_share_and_widen_the_interval() -> None:
    hits, images = [True, True, False, False] * 10, np.arange(40)
    assert clustered_share(hits, [5.0, 1.0, 1.0, 1.0] * 10, images).value == pytest.approx(0.75)
    # a heavy sample is not as good as nine: it leaves 200² / (82 x 20) of forty
    found = clustered_share(hits, [9.0, 1.0] * 20, images)
    assert found == pytest.approx(wilson(0.5, 200**2 / (82 * 20) * 39 / 40))


def test_it_is_never_surer_than_independent_samples_are() -> None:
    hits = [True, False] * 20  # one right and one wrong in each image: no variance between them
    found = clustered_share(hits, np.ones(40), np.repeat(np.arange(20), 2))
    assert found.high - found.low >= wilson(0.5, 40).high - wilson(0.5, 40).low - 1e-12


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        own = rng.beta(8, 2, size=60)  # each image has a rate of its own; on average 0.8
        hits = rng.random((60, 3)) < own[:, None]
        found = clustered_share(hits.ravel(), np.ones(180), np.repeat(np.arange(60), 3))
        held += found.low <= 0.8 <= found.high
    assert held / 300 > 0.92


@pytest.mark.parametrize(
    ("hits", "weights", "clusters"),
    [([], [], []), ([True], [0.0], [1]), ([True], [1.0, 1.0], [1]), ([True], [np.nan], [1])],
)
def test_what_has_no_share(hits: list[bool], weights: list[float], clusters: list[int]) -> None:
    with pytest.raises(BadSampleError):
        clustered_share(hits, weights, clusters)


def test_a_share_of_nothing_has_no_interval() -> None:
    with pytest.raises(BadSampleError, match="got 0.5 of 0"):
        wilson(0.5, 0)
