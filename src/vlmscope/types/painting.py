"""From values on token grids to values on original pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import UnknownNameError

if TYPE_CHECKING:
    from vlmscope.types.tokens import View

__all__ = ["axis_weights", "paint_views"]

_INTERPOLATIONS = ("bilinear", "nearest", "density")


def paint_views(
    views: Sequence[View],
    grids: Sequence[NDArray[np.float64]],
    image_size: tuple[int, int],
    interpolation: str,
) -> NDArray[np.float32]:
    """Compose (rows, columns) grids into one float32 (height, width) image.

    Raises:
        UnknownNameError: for an interpolation other than bilinear, nearest, density.
    """
    if interpolation not in _INTERPOLATIONS:
        raise UnknownNameError("interpolation", interpolation, _INTERPOLATIONS)
    total = np.zeros(image_size, dtype=np.float64)
    layers = np.zeros(image_size, dtype=np.float64)
    for view, grid in zip(views, grids, strict=True):
        rows = axis_weights(view.y_edges, image_size[0], interpolation)
        columns = axis_weights(view.x_edges, image_size[1], interpolation)
        total += rows @ grid @ columns.T
        layers += np.outer(
            _covered(view.y_edges, image_size[0]), _covered(view.x_edges, image_size[1])
        )
    if interpolation != "density":
        np.divide(total, layers, out=total, where=layers > 0)
    return total.astype(np.float32)


def _centres(size: int) -> NDArray[np.float64]:
    return np.arange(size, dtype=np.float64) + 0.5


def _covered(edges: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Bool (size,): pixels whose centre lies within the view, along one axis."""
    centres = _centres(size)
    inside = (centres >= edges[0]) & (centres < edges[-1])
    if not inside.any():  # a view thinner than one pixel still covers the pixel it lies in
        middle = (edges[0] + edges[-1]) / 2
        inside[int(np.clip(middle, 0, size - 1))] = True
    return inside


def axis_weights(edges: NDArray[np.float64], size: int, interpolation: str) -> NDArray[np.float64]:
    """Float (size, cells): how much each cell contributes to each pixel, along one axis.

    Args:
        edges: float (cells + 1,), ascending, original pixels.
        size: pixels along the axis.
        interpolation: as for :meth:`TokenMap.to_pixels`.
    """
    if interpolation == "density":
        return _overlaps(edges, size)
    centres = _centres(size)
    cells = len(edges) - 1
    weights = np.zeros((size, cells))
    pixels = np.arange(size)
    if interpolation == "nearest" or cells == 1:
        cell = np.clip(np.searchsorted(edges, centres, side="right") - 1, 0, cells - 1)
        weights[pixels, cell] = 1.0
    else:
        middles = (edges[:-1] + edges[1:]) / 2
        left = np.clip(np.searchsorted(middles, centres, side="right") - 1, 0, cells - 2)
        share = np.clip((centres - middles[left]) / (middles[left + 1] - middles[left]), 0, 1)
        weights[pixels, left] = 1 - share
        weights[pixels, left + 1] += share
    return weights * _covered(edges, size)[:, None]


def _overlaps(edges: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Float (size, cells): the share of each cell's visible length that falls on each pixel."""
    low = np.maximum(edges[:-1][None, :], np.arange(size)[:, None])
    high = np.minimum(edges[1:][None, :], np.arange(1, size + 1)[:, None])
    overlap = np.clip(high - low, 0, None)
    visible = overlap.sum(axis=0, keepdims=True)
    shares: NDArray[np.float64] = overlap / np.where(visible > 0, visible, 1.0)
    return shares
