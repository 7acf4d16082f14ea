"""Slices of any shape: one grid, whichever comes first."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.models.layout.slices import sliced_layouts

SIZE = (90, 180)


@pytest.mark.parametrize("whole_first", [True, False])
def test_every_token_belongs_to_one_cell(whole_first: bool) -> None:
    layouts = list(sliced_layouts(SIZE, (3, 5), (2, 3), (2, 4), whole_first))
    names = [layout.name for layout in layouts]
    assert names == (["thumbnail", "tiles"] if whole_first else ["tiles", "thumbnail"])
    offsets = np.concatenate([layout.offsets for layout in layouts])
    assert sorted(offsets) == list(range(3 * 5 + 2 * 3 * 2 * 4))
    assert offsets[0] == 0
    for layout in layouts:
        assert (layout.y_edges[-1], layout.x_edges[-1]) == SIZE


def test_a_row_of_the_grid_goes_from_slice_to_slice() -> None:
    [tiles] = sliced_layouts(SIZE, None, (2, 2), (2, 3))
    rows = tiles.offsets.reshape(4, 6)
    assert rows[0].tolist() == [0, 1, 2, 6, 7, 8]
    assert rows[1].tolist() == [3, 4, 5, 9, 10, 11]
    assert rows[2].tolist() == [12, 13, 14, 18, 19, 20]


def test_an_image_that_is_not_cut_is_one_view() -> None:
    [image] = sliced_layouts(SIZE, (3, 5), (0, 0), (3, 5))
    assert image.name == "image" and image.offsets.tolist() == list(range(15))
    assert len(image.y_edges) == 4 and len(image.x_edges) == 6
