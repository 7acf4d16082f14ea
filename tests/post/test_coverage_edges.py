"""Coverage where cells and boxes reach beyond the image, and where cells are tiny."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import box_coverage, mask_coverage, visible_areas

STRADDLING = map_of((20, 20), [view_over((-6, -6, 26, 26), (4, 4))], "pad")
"""Cells of 8 x 8 pixels with edges at -6, 2, 10, 18, 26: the outer ones show 2 pixels each way."""


def test_a_box_beyond_the_image_counts_for_what_lies_in_it() -> None:
    assert visible_areas(STRADDLING).reshape(4, 4)[0].tolist() == [4, 16, 16, 4]
    inside = box_coverage(STRADDLING, (0.0, 0.0, 6.0, 2.0))
    beyond = box_coverage(STRADDLING, (-3.0, -9.0, 6.0, 2.0))
    assert beyond.reshape(4, 4)[0].tolist() == [1.0, 0.5, 0.0, 0.0]
    np.testing.assert_array_equal(beyond, inside)
    np.testing.assert_array_equal(box_coverage(STRADDLING, (-9.0, -9.0, 99.0, 99.0)), np.ones(16))


def test_cells_of_less_than_a_pixel_are_covered_like_others() -> None:
    tiny = map_of((1, 1), [view_over((0, 0, 1, 1), (2, 4))])
    assert visible_areas(tiny).tolist() == [0.125] * 8
    assert mask_coverage(tiny, np.ones((1, 1), dtype=bool)).tolist() == [1.0] * 8
    assert box_coverage(tiny, (0.25, 0.0, 0.625, 0.5)).tolist() == [0, 1, 0.5, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("cells", [16, 64, 400])
def test_padding_is_covered_by_nothing_whatever_the_memory_held(cells: int) -> None:
    side = int(cells**0.5)
    wide = map_of((10, 20), [view_over((0, -5, 20, 15), (side, side))], "pad")
    dirty = [np.full(cells, np.nan) for _ in range(64)]
    del dirty  # what is allocated next lies where these were
    expected = np.zeros((side, side))
    expected[side // 4 : -side // 4] = 1.0
    np.testing.assert_array_equal(box_coverage(wide, (0, 0, 20, 10)), expected.ravel())
