"""Whether a map points at an object: its strongest visible cell, where it has one."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.post import pointing_hits


@pytest.mark.parametrize(
    ("values", "hit"),
    [
        ((1.0, 2.0, 1.0, 0.0), 1),
        ((3.0, 2.0, 1.0, 0.0), 0),
        ((2.0, 2.0, 1.0, 0.0), 0),  # of two equally strong cells the first counts
        ((1.0, 2.0, 1.0, 9.0), 1),  # the strongest cell shows nothing of the image
        ((-3.0, -1.0, -2.0, 0.0), 1),
        ((0.0, 0.0, 0.0, 0.0), 0),
        ((1.0, 1.0, 1.0, 0.0), 0),  # flat where it is seen
        ((1.0, 1.0 + 9e-6, 1.0, 0.0), 0),  # flat but for rounding
        ((-1.0, -1.0 + 9e-6, -1.0, 0.0), 0),
        ((1.0, 1.0 + 2e-5, 1.0, 0.0), 1),
        ((1e-3, 1.1e-3, 1e-3, 0.0), 1),  # the noise is a share of the largest value
        ((1e3, 1e3 + 1e-3, 1e3, 0.0), 0),
    ],
)
def test_a_map_points_by_its_strongest_visible_cell(values: tuple[float, ...], hit: int) -> None:
    """The object is in the second of four cells; the last is padding."""
    hits, visible = np.array([False, True, False, False]), np.array([True, True, True, False])
    other = (5.0, 0.0, 0.0, 0.0)
    found = pointing_hits(np.array([other, values, other]), hits, visible)
    assert found == [0, hit, 0]
    assert all(type(each) is int for each in found)


def test_a_flat_map_points_nowhere_though_the_object_is_in_the_first_cell() -> None:
    everywhere = np.ones(3, dtype=bool)
    maps = np.array([[0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [0.1, 0.0, 0.1]])
    assert pointing_hits(maps, everywhere, everywhere) == [0, 0, 1]
