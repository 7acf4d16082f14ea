"""The surface on which a region is looked for: the token grid, or the picture itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.types import TokenMap, View
from vlmscope.types.views import paint_views

__all__ = ["MAX_SIDE", "Raster", "rasterise", "repaint"]

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
