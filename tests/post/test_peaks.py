"""Which local maxima stand out, and which ground is whose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vlmscope.post.peaks import find_peaks

#                        a           dip   b          c
RIDGE = np.array([[0.0, 9.0, 7.0, 5.0, 8.0, 1.0, 3.0, 0.0]])


def peaks_of(values: np.ndarray, prominence: float) -> tuple[tuple[int, int], ...]:
    return find_peaks(values, np.ones(values.shape, bool), prominence).places


@pytest.mark.parametrize(
    ("prominence", "columns"), [(0.0, (1, 4, 6)), (2.0, (1, 4, 6)), (2.5, (1, 4)), (3.5, (1,))]
)
def test_a_peak_counts_from_the_way_to_a_higher_one(
    prominence: float, columns: tuple[int, ...]
) -> None:
    assert peaks_of(RIDGE, prominence) == tuple((0, column) for column in columns)


def test_ground_goes_to_the_peak_uphill_and_that_of_a_small_peak_to_its_neighbour() -> None:
    every = find_peaks(RIDGE, np.ones(RIDGE.shape, bool), 1.0)
    np.testing.assert_array_equal(every.basins, [[0, 0, 0, 1, 1, 1, 2, 2]])
    large = find_peaks(RIDGE, np.ones(RIDGE.shape, bool), 2.5)
    # the last flood meets the one that both higher peaks have become, named after the highest
    np.testing.assert_array_equal(large.basins, [[0, 0, 0, 1, 1, 1, 0, 0]])


def test_corners_touch() -> None:
    values = np.array([[5.0, 0, 0], [0, 4.0, 0], [0, 0, 3.0]])
    assert peaks_of(values, 0.0) == ((0, 0),)


def test_equal_places_are_one_plateau_and_the_first_is_its_peak() -> None:
    assert peaks_of(np.array([[1.0, 2, 2, 2, 1]]), 0.0) == ((0, 1),)
    assert peaks_of(np.array([[2.0, 0, 2]]), 1.0) == ((0, 0), (0, 2))


def test_what_is_not_seen_is_a_wall() -> None:
    seen = np.array([[True, True, False, True, True]])
    peaks = find_peaks(np.array([[1.0, 2, 9, 3, 1]]), seen, 100.0)
    assert peaks.places == ((0, 3), (0, 1))
    np.testing.assert_array_equal(peaks.basins, [[1, 1, -1, 0, 0]])


def test_nothing_seen_has_no_peak() -> None:
    peaks = find_peaks(np.ones((2, 2)), np.zeros((2, 2), bool), 0.0)
    assert peaks.places == ()
    assert (peaks.basins == -1).all()


def prominence_of(values: np.ndarray, place: tuple[int, int]) -> float:
    """By the definition: the highest level at which the place is joined to a higher one."""
    from scipy.ndimage import label

    height = values[place]
    for level in sorted(set(values[values <= height]), reverse=True):
        labels, _ = label(values >= level, np.ones((3, 3)))
        if (values[labels == labels[place]] > height).any():
            return float(height - level)
    return np.inf


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 12))
def test_peaks_are_those_of_the_definition(
    rows: int, columns: int, seed: int, prominence: float
) -> None:
    # all values differ, so that a peak is a single place
    values = np.random.default_rng(seed).permutation(rows * columns).reshape(rows, columns) * 1.0
    expected = {
        place for place in np.ndindex(values.shape) if prominence_of(values, place) >= prominence
    }
    if prominence == 0:
        expected = {place for place in expected if prominence_of(values, place) > 0}
    places = peaks_of(values, prominence)
    if prominence > 0:
        assert set(places) == expected
    assert [values[place] for place in places] == sorted((values[p] for p in places), reverse=True)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.floats(-3, 3)),
    st.floats(0, 2),
)
def test_basins_cover_all_that_is_seen_and_hold_their_peak(
    values: np.ndarray, prominence: float
) -> None:
    peaks = find_peaks(values, np.ones(values.shape, bool), prominence)
    assert set(peaks.basins.ravel()) == set(range(len(peaks.places)))
    for number, place in enumerate(peaks.places):
        assert peaks.basins[place] == number
    assert values[peaks.places[0]] == values.max()
