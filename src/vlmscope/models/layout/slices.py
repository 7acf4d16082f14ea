"""An image stretched to whole tokens, and a larger copy of it cut into equal slices of any shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vlmscope.models.layout.image_inputs import GridLayout

__all__ = ["sliced_layouts"]

Size = tuple[int, int]


def sliced_layouts(
    size: Size,
    whole: Size | None,
    arrangement: Size,
    cells: Size,
    whole_first: bool = True,
) -> Iterator[GridLayout]:
    """Views of an image and of its slices, in the order of their tokens.

    Args:
        size: (height, width) of the original.
        whole: (rows, columns) of tokens of the image as a whole; None: it is not among the crops.
        arrangement: (rows, columns) of slices; (0, 0): it was not cut.
        cells: (rows, columns) of tokens of one slice.
        whole_first: whether the tokens of the whole come before those of the slices.
    """
    rows, columns = arrangement
    tall, wide = cells
    order = np.arange(rows * columns * tall * wide).reshape(rows, columns, tall, wide)
    slices = order.transpose(0, 2, 1, 3).reshape(-1)
    alone = rows * columns == 0
    views: list[tuple[str, NDArray[np.int64], Size]] = []
    if whole is not None:
        count = np.arange(whole[0] * whole[1])
        views.append(("image" if alone else "thumbnail", count, whole))
    if not alone:
        views.append(("tiles", slices, (rows * tall, columns * wide)))
    first = 0
    for name, offsets, grid in views if whole_first else reversed(views):
        y_edges, x_edges = _edges(size, grid)
        yield GridLayout(name, offsets + first, y_edges, x_edges)
        first += len(offsets)


def _edges(size: Size, grid: Size) -> list[NDArray[np.float64]]:
    """Edges of a grid over all of an image, (y, x), in original pixels."""
    return [np.linspace(0.0, side, count + 1) for side, count in zip(size, grid, strict=True)]
