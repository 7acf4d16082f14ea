"""An image stretched to whole tokens, and a larger copy of it cut into equal slices of any shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vlmscope.models.layout.image_inputs import GridLayout

__all__ = ["sliced_layouts"]

Size = tuple[int, int]


def sliced_layouts(
    size: Size, whole: Size, arrangement: Size, cells: Size = (0, 0)
) -> Iterator[GridLayout]:
    """Views of an image whose own tokens come first, those of its slices after them.

    Args:
        size: (height, width) of the original.
        whole: (rows, columns) of tokens of the image as a whole.
        arrangement: (rows, columns) of slices; (0, 0) or a single one: it was not cut.
        cells: (rows, columns) of tokens of one slice.
    """
    count = whole[0] * whole[1]
    rows, columns = arrangement
    name = "image" if rows * columns == 0 else "thumbnail"
    yield GridLayout(name, np.arange(count), *_edges(size, whole))
    if rows * columns == 0:
        return
    tall, wide = cells
    order = np.arange(rows * columns * tall * wide).reshape(rows, columns, tall, wide)
    offsets = count + order.transpose(0, 2, 1, 3).reshape(-1)
    yield GridLayout("tiles", offsets, *_edges(size, (rows * tall, columns * wide)))


def _edges(size: Size, grid: Size) -> list[NDArray[np.float64]]:
    """Edges of a grid over all of an image, (y, x), in original pixels."""
    return [np.linspace(0.0, side, count + 1) for side, count in zip(size, grid, strict=True)]
