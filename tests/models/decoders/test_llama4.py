"""Where Llama 4 lays an image on its canvas: the sizes that its processor resizes to, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.models.decoders.llama4 import within_canvas


@pytest.mark.parametrize(
    ("size", "tiles", "enlarge", "processed"),
    [
        ((60, 180), (1, 4), False, (48, 144)),  # the canvas is as high as a tile
        ((9, 13), (1, 1), False, (33, 48)),  # 9 * 48 / 13 = 33.2
        ((101, 67), (3, 2), False, (101, 67)),
        ((400, 523), (2, 3), False, (96, 125)),  # 523 * 96 / 400 = 125.5
        ((40, 30), (2, 2), False, (48, 36)),  # enlarged to one tile, in a canvas of four
        ((40, 30), (2, 2), True, (96, 72)),
        ((500, 2), (4, 1), False, (192, 1)),  # never less than a pixel
    ],
)
def test_it_fills_the_canvas_from_the_top_left(
    size: tuple[int, int], tiles: tuple[int, int], enlarge: bool, processed: tuple[int, int]
) -> None:
    axes = within_canvas(size, tiles, 48, enlarge)
    made = [axis.scale * length for axis, length in zip(axes, size, strict=True)]
    np.testing.assert_allclose(made, processed)
    assert [axis.offset for axis in axes] == [0.0, 0.0]
