"""The surface of the search: its size, and which of it the model saw."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import rasterise
from vlmscope.types import TokenMap


def whole(height: int, width: int) -> TokenMap:
    return map_of((height, width), [view_over((0, 0, width, height), (2, 2))])


@pytest.mark.parametrize(
    ("image", "surface"),
    [
        ((20, 40), (20, 40)),  # a small picture is not enlarged
        ((1024, 3), (1024, 3)),
        ((1025, 5), (1024, 5)),
        ((2048, 512), (1024, 256)),
        ((512, 2048), (256, 1024)),
        ((1, 4096), (1, 1024)),  # a line of a quarter of a pixel
        ((4096, 1), (1024, 1)),
    ],
)
def test_the_longest_side_of_a_painted_surface_is_1024(
    image: tuple[int, int], surface: tuple[int, int]
) -> None:
    raster = rasterise(whole(*image), np.ones(4), "pixels")
    assert raster.values.shape == raster.seen.shape == surface
    assert (raster.y_edges[[0, -1]].tolist(), raster.x_edges[[0, -1]].tolist()) == (
        [0, image[0]],
        [0, image[1]],
    )
    assert (len(raster.y_edges), len(raster.x_edges)) == (surface[0] + 1, surface[1] + 1)


def test_what_a_crop_left_out_is_unseen_on_the_painted_surface(cropped: TokenMap) -> None:
    raster = rasterise(cropped, np.zeros(64), "pixels")  # zeros are seen as well as ones
    assert raster.seen[:, 50:150].all()
    assert not raster.seen[:, :50].any() and not raster.seen[:, 150:].any()


def test_cells_on_either_padding_are_unseen_on_the_grid(padded: TokenMap) -> None:
    beside = map_of((200, 100), [view_over((-50, 0, 150, 200), (8, 8))], "pad")
    rows, columns = (rasterise(each, np.ones(64), "grid").seen for each in (padded, beside))
    expected = np.zeros((8, 8), dtype=bool)
    expected[2:6] = True
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(columns, expected.T)
