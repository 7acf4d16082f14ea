"""Values of tokens laid out on rectangles of original pixels, and the way back to boxes and masks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.types import Box, TokenMap, View, tight_box
from vlmscope.types.views import paint_views

__all__ = [
    "MAX_SIDE",
    "Raster",
    "box_of",
    "cell_at",
    "finest_size",
    "mask_of",
    "rasterise",
    "repaint",
]

MAX_SIDE = 1024
"""Longest side of a painted surface; a larger picture is searched at this size."""


@dataclass(frozen=True, eq=False)
class Raster:
    """Values on a grid of rectangles of original pixels.

    Attributes:
        values: float64 (rows, columns).
        seen: bool (rows, columns), whether the model saw any of the picture there: not a crop's
            outside, not a border that the processor added.
        y_edges: float (rows + 1,), ascending, original pixels, clipped to the image.
        x_edges: float (columns + 1,), likewise.
        surface: ``"grid"``, ``"pixels"`` or ``"pixels, nearest"`` for several overlapping grids.
    """

    values: NDArray[np.float64]
    seen: NDArray[np.bool_]
    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]
    surface: str


def rasterise(token_map: TokenMap, weights: ArrayLike, surface: str) -> Raster:
    """Lay token weights out for the search.

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,).
        surface: ``"grid"``: the cells themselves. Several views have no common grid: they are
            composed on pixels, each pixel taking the mean of the cells it lies in. ``"pixels"``:
            painted smoothly.
    """
    if surface == "grid" and len(token_map.views) == 1:
        return _grid(token_map, weights)
    bilinear = surface == "pixels"
    height, width = token_map.image_size
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    values = repaint(token_map, weights, size, "bilinear" if bilinear else "nearest")
    seen = repaint(token_map, np.ones(np.shape(weights)), size, "nearest") > 0
    return Raster(
        values=values,
        seen=seen,
        y_edges=np.linspace(0, height, size[0] + 1),
        x_edges=np.linspace(0, width, size[1] + 1),
        surface="pixels" if bilinear else "pixels, nearest",
    )


def _grid(token_map: TokenMap, weights: ArrayLike) -> Raster:
    (view,), (values,) = token_map.views, token_map.split(weights)
    height, width = token_map.image_size
    y_edges, x_edges = np.clip(view.y_edges, 0, height), np.clip(view.x_edges, 0, width)
    seen = np.outer(np.diff(y_edges) > 0, np.diff(x_edges) > 0)
    return Raster(values, seen, y_edges, x_edges, "grid")


def repaint(
    token_map: TokenMap, weights: ArrayLike, size: tuple[int, int], interpolation: str
) -> NDArray[np.float64]:
    """Paint token weights onto the whole image at another size: float64 (height, width)."""
    height, width = token_map.image_size
    views = [_scaled(view, size[0] / height, size[1] / width) for view in token_map.views]
    painted = paint_views(views, token_map.split(weights), size, interpolation)
    return painted.astype(np.float64)


def _scaled(view: View, y: float, x: float) -> View:
    return replace(view, y_edges=view.y_edges * y, x_edges=view.x_edges * x)


def finest_size(token_map: TokenMap) -> tuple[int, int]:
    """(rows, columns) that the whole image has at the pitch of the finest view."""
    height, width = token_map.image_size
    cell_height = min(float(np.diff(view.y_edges).min()) for view in token_map.views)
    cell_width = min(float(np.diff(view.x_edges).min()) for view in token_map.views)
    return max(1, math.ceil(height / cell_height)), max(1, math.ceil(width / cell_width))


def cell_at(raster: Raster, point: tuple[float, float]) -> tuple[int, int]:
    """(row, column) of the rectangle that a point (x, y) of original pixels lies in."""
    rows, columns = raster.values.shape
    row = min(int(np.searchsorted(raster.y_edges, point[1], side="right")), rows) - 1
    column = min(int(np.searchsorted(raster.x_edges, point[0], side="right")), columns) - 1
    return row, column


def box_of(raster: Raster, component: NDArray[np.bool_]) -> Box:
    """The rectangle of original pixels around a component, bool (rows, columns), with one cell at least."""
    cells = tight_box(component)
    assert cells is not None  # a component has one cell at least
    left, top, right, bottom = (int(edge) for edge in cells)
    x, y = raster.x_edges, raster.y_edges
    return float(x[left]), float(y[top]), float(x[right]), float(y[bottom])


def mask_of(
    raster: Raster, component: NDArray[np.bool_], size: tuple[int, int], box: Box
) -> NDArray[np.bool_]:
    """Bool (height, width): pixels whose centres lie in a component, with one pixel at least.

    Args:
        raster: what the component is of.
        component: bool (rows, columns).
        size: (height, width) of the original image.
        box: of the component, from :func:`box_of`.
    """
    rows, row_inside = _cell_of_pixel(raster.y_edges, size[0])
    columns, column_inside = _cell_of_pixel(raster.x_edges, size[1])
    mask = component[np.ix_(rows, columns)] & np.outer(row_inside, column_inside)
    if not mask.any():  # cells smaller than a pixel miss every centre: take the pixel they lie in
        mask[int((box[1] + box[3]) / 2), int((box[0] + box[2]) / 2)] = True
    return mask


def _cell_of_pixel(
    edges: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The cell that each pixel centre lies in along one axis, and whether it lies in any."""
    cells = np.searchsorted(edges, np.arange(size) + 0.5, side="right") - 1
    inside = (cells >= 0) & (cells < len(edges) - 1)
    return np.clip(cells, 0, len(edges) - 2), inside
