"""The region that a combined map points at: mask, box and point on original pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.post.components import choose, label_components
from vlmscope.post.options import PostOptions
from vlmscope.post.raster import Raster, rasterise
from vlmscope.post.smoothing import check_finite
from vlmscope.post.threshold import binarise, is_flat
from vlmscope.types import Box, TokenMap

__all__ = ["Region", "find_region", "peak"]


@dataclass(frozen=True, eq=False)
class Region:
    """Where a map lights up.

    Attributes:
        mask: bool (height, width) of the original image: pixels whose centre lies in the kept
            component; all False when nothing is lit.
        box: xyxy float pixels of the original image, tight around the component, clipped to the
            part of the image that the model saw; None when nothing is lit.
        point: (x, y) of the peak, see :func:`peak`; None when nothing is lit.
        threshold: above which a place is lit; None when nothing is.
        components: how many components were lit.
        surface: where it was looked for, see :class:`vlmscope.post.Raster`.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    box: Box | None
    point: tuple[float, float] | None
    threshold: float | None
    components: int
    surface: str


def find_region(token_map: TokenMap, weights: ArrayLike, options: PostOptions) -> Region:
    """Binarise, keep one component, box it (localization_heads: "Grounding").

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,), the combined map, smoothed already.
        options: ``threshold``, ``share``, ``keep`` and ``surface`` are used.

    Raises:
        AttentionError: weights with NaN or infinity.
    """
    values = check_finite(weights)
    raster = rasterise(token_map, values, options.surface)
    lit, threshold = binarise(raster.values, raster.seen, options)
    labels, count = label_components(lit)
    if count == 0:
        unlit = np.zeros(token_map.image_size, dtype=bool)
        return Region(unlit, None, None, None, 0, raster.surface)
    point = peak(token_map, values)
    component = _holding(labels, raster, point) if options.keep == "peak" else None
    if component is None:
        component = choose(labels, count, raster.values, options.keep)
    box = _box(raster, component)
    mask = _mask(raster, component, token_map.image_size, box)
    return Region(mask, box, point, threshold, count, raster.surface)


def _holding(
    labels: NDArray[np.int32], raster: Raster, point: tuple[float, float] | None
) -> NDArray[np.bool_] | None:
    """The component that a point lies in, or None where nothing is lit.

    The strongest place of a painted map may be another than the strongest cell: between cells it is
    lower than both, and a pixel's centre is seldom a cell's. Box and point are to say the same.
    """
    if point is None:
        return None
    row = min(int(np.searchsorted(raster.y_edges, point[1], side="right")), len(labels)) - 1
    column = min(int(np.searchsorted(raster.x_edges, point[0], side="right")), labels.shape[1]) - 1
    number = labels[row, column]
    return labels == number if number else None


def peak(token_map: TokenMap, weights: ArrayLike) -> tuple[float, float] | None:
    """(x, y) in original pixels of the largest value, or None when all are the same.

    On one grid: the middle of the visible part of the strongest cell; of equally strong cells the
    first in reading order. Several grids: the strongest pixel of the painted map.

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,).
    """
    raster = rasterise(token_map, weights, "grid" if len(token_map.views) == 1 else "pixels")
    inside = np.where(raster.seen, raster.values, -np.inf)
    if is_flat(raster.values[raster.seen]):
        return None
    row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
    x = (raster.x_edges[column] + raster.x_edges[column + 1]) / 2
    y = (raster.y_edges[row] + raster.y_edges[row + 1]) / 2
    return float(x), float(y)


def _box(raster: Raster, component: NDArray[np.bool_]) -> Box:
    rows = np.flatnonzero(component.any(axis=1))
    columns = np.flatnonzero(component.any(axis=0))
    return (
        float(raster.x_edges[columns[0]]),
        float(raster.y_edges[rows[0]]),
        float(raster.x_edges[columns[-1] + 1]),
        float(raster.y_edges[rows[-1] + 1]),
    )


def _mask(
    raster: Raster, component: NDArray[np.bool_], size: tuple[int, int], box: Box
) -> NDArray[np.bool_]:
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
