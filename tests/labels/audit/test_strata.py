"""A sample by score and warning, each object of a stratum with the same chance."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.labels.audit.strata import BINS, allocated, drawn_rows, stratified


def test_strata_are_score_bins_with_and_without_a_warning() -> None:
    scores = np.append(np.arange(100) / 100, np.nan)
    warned = np.arange(101) % 2 == 0
    strata, bins = stratified(scores, warned)
    assert bins.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, BINS]
    assert np.bincount(strata).tolist() == [10] * 10 + [1]


def test_equal_scores_are_one_bin() -> None:
    strata, bins = stratified(np.full(9, 0.5), np.zeros(9, dtype=bool))
    assert (len(bins), set(strata.tolist())) == (1, {0})


@pytest.mark.parametrize(
    ("sizes", "count", "given"),
    [
        ([100, 100], 10, [5, 5]),
        ([1000, 10, 1], 20, [17, 2, 1]),  # two of the small, one of the single
        ([3, 4], 50, [3, 4]),
        ([500, 500, 500], 2, None),
    ],
)
def test_allocation(sizes: list[int], count: int, given: list[int] | None) -> None:
    found = allocated(np.array(sizes), count)
    assert found.sum() == min(count, sum(sizes))
    assert (found <= sizes).all()
    assert given is None or found.tolist() == given


def test_a_sample_is_spread_over_phrases_and_fair() -> None:
    strata = np.repeat([0, 1], [60, 20])
    phrases = np.tile(np.arange(4), 20)
    hits = np.zeros(80)
    for seed in range(400):
        places, given = drawn_rows(strata, phrases, 16, seed)
        assert len(set(places.tolist())) == 16
        assert np.bincount(phrases[places], minlength=4).min() >= 3
        assert given.tolist() == [12, 4]
        hits[places] += 1
    # each is drawn in a fifth of all samples
    assert hits.mean() == 80
    assert abs(hits - 80).max() < 40


def test_the_same_seed_draws_the_same() -> None:
    strata, phrases = np.zeros(50, dtype=int), np.zeros(50, dtype=int)
    first, second = (drawn_rows(strata, phrases, 9, 4)[0].tolist() for _ in range(2))
    assert first == second != drawn_rows(strata, phrases, 9, 5)[0].tolist()
