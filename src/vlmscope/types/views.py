"""Grids of image tokens, and from values on them to values on original pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import UnknownNameError

__all__ = ["Carry", "View", "axis_weights", "paint_views"]


_INTERPOLATIONS = ("bilinear", "nearest", "density")


@dataclass(frozen=True, eq=False)
class View:
    """One grid of image tokens (the whole image, a tile, a thumbnail) and the pixels it covers.

    Cells are axis-aligned rectangles of ORIGINAL image pixels. Edges may lie outside the image
    where the processor padded it; a crop leaves pixels that no cell covers.

    Attributes:
        name: ``"image"``, ``"tiles"`` or ``"thumbnail"``.
        positions: int (rows * columns,), row-major: where each cell's token is in the sequence.
        y_edges: float (rows + 1,), ascending, original pixels.
        x_edges: float (columns + 1,), ascending, original pixels.
        image: which image of the prompt it shows, from 0; of a clip: which of its steps in time.
        frames: of a clip: the first frame that it shows, and the one after its last; else None.
    """

    name: str
    positions: NDArray[np.int64]
    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]
    image: int = 0
    frames: tuple[int, int] | None = None

    @property
    def grid(self) -> tuple[int, int]:
        """(height, width) in cells."""
        return len(self.y_edges) - 1, len(self.x_edges) - 1

    @property
    def boxes(self) -> NDArray[np.float64]:
        """Float (rows * columns, 4): xyxy of each cell in original pixels, row-major."""
        y0, x0 = np.meshgrid(self.y_edges[:-1], self.x_edges[:-1], indexing="ij")
        y1, x1 = np.meshgrid(self.y_edges[1:], self.x_edges[1:], indexing="ij")
        return np.stack([x0, y0, x1, y1], axis=-1).reshape(-1, 4)

    def seen(self, image_size: tuple[int, int]) -> tuple[float, float, float, float]:
        """The part of the image that the view covers, xyxy, clipped to ``image_size``."""
        height, width = image_size
        x0, x1 = np.clip(self.x_edges[[0, -1]], 0, width)
        y0, y1 = np.clip(self.y_edges[[0, -1]], 0, height)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass(frozen=True, eq=False)
class Carry:
    """How query tokens, which stand for no place of their own, are carried to the cells of an image.

    Attributes:
        positions: int (tokens,): where the query tokens are in the sequence.
        shares: float (tokens, cells): what part of each token goes to each cell of the image's
            views, in their order; each row sums to one.
        image: which image of the prompt it is about, from 0.
    """

    positions: NDArray[np.int64]
    shares: NDArray[np.float64]
    image: int = 0


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
    if len(views) == 1:  # nothing to average, and much the quickest on large images
        (view,), (grid,) = views, grids
        painted = _paint(view, grid, image_size, interpolation)
        painted += 0.0  # no zero has a sign
        return painted.astype(np.float32)
    total = np.zeros(image_size, dtype=np.float64)
    layers = np.zeros(image_size, dtype=np.float64)
    for view, grid in zip(views, grids, strict=True):
        total += _paint(view, grid, image_size, interpolation)
        layers += np.outer(
            _covered(view.y_edges, image_size[0]), _covered(view.x_edges, image_size[1])
        )
    if interpolation != "density":
        np.divide(total, layers, out=total, where=layers > 0)
    return total.astype(np.float32)


def _paint(
    view: View, grid: NDArray[np.float64], image_size: tuple[int, int], interpolation: str
) -> NDArray[np.float64]:
    """One grid on the image, float64 (height, width); zero where the view does not reach."""
    rows = axis_weights(view.y_edges, image_size[0], interpolation)
    columns = axis_weights(view.x_edges, image_size[1], interpolation)
    painted: NDArray[np.float64] = rows @ grid @ columns.T
    return painted


def _centres(size: int) -> NDArray[np.float64]:
    return np.arange(size, dtype=np.float64) + 0.5


def _covered(edges: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Bool (size,): pixels whose centre lies within the view, along one axis."""
    centres = _centres(size)
    inside = (centres >= edges[0]) & (centres < edges[-1])
    on_image = edges[0] < size and edges[-1] > 0
    if on_image and not inside.any():  # thinner than one pixel: it covers the pixel it lies in
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
