"""The region that a combined map points at: mask, box and point on original pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects, label
from scipy.spatial import ConvexHull

from vlmscope.post.options import PostOptions
from vlmscope.types import Box, TokenMap, View, tight_box
from vlmscope.types.views import paint_views

__all__ = [
    "FLAT",
    "MAX_SIDE",
    "Raster",
    "Region",
    "binarise",
    "choose",
    "find_region",
    "hull_area",
    "is_flat",
    "label_components",
    "lights",
    "otsu",
    "peak",
    "rasterise",
    "repaint",
]

MAX_SIDE = 1024
"""Longest side of a painted surface; a larger picture is searched at this size."""

# Values that differ by less than this share of the largest are one value: a uniform float32 row
# gets differences of this size from summing and painting, and its noise is no object.
FLAT = 1e-5

_EIGHT = np.ones((3, 3), dtype=int)  # corners touch: 8-connected, as in the paper
_BINS = 256

Slices = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Region:
    """Where a map lights up.

    Attributes:
        mask: bool (height, width) of the original image: pixels whose centre lies in the kept
            component; all False when nothing is lit.
        box: xyxy float pixels of the original image, tight around the component, clipped to the
            part of the image that the model saw; None when nothing is lit.
        point: (x, y) of the peak, see :func:`peak`; None when nothing is lit.
        threshold: above which a place is lit (of ``max-share``: from which on); None when nothing is.
        components: how many components were lit.
        surface: where it was looked for, see :class:`Raster`.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    box: Box | None
    point: tuple[float, float] | None
    threshold: float | None
    components: int
    surface: str


def find_region(token_map: TokenMap, weights: ArrayLike, options: PostOptions) -> Region:
    """Binarise, keep one component, box it (docs/methods/localization-heads.md, Grounding).

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,), the combined map, smoothed already; finite.
        options: ``threshold``, ``share``, ``keep`` and ``surface`` are used.
    """
    values = np.asarray(weights, dtype=np.float64)
    raster = rasterise(token_map, values, options.surface)
    lit, threshold = binarise(raster.values, raster.seen, options, values)
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


def binarise(
    values: NDArray[np.float64],
    seen: NDArray[np.bool_],
    options: PostOptions,
    cells: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.bool_], float | None]:
    """Which places are lit, and the threshold; nothing and None when all values are the same.

    Args:
        values: float (rows, columns).
        seen: bool (rows, columns); other places are never lit, and count only for ``mean-all``.
        options: ``threshold`` and ``share`` are used.
        cells: float, any shape: all cells of the grids, for ``mean-all``; None: the values are.
    """
    inside = values[seen]
    if is_flat(inside):
        return np.zeros_like(seen), None
    if options.threshold == "max-share":
        limit = options.share * float(inside.max())
    elif options.threshold == "otsu":
        limit = otsu(inside)
    else:
        every = values if cells is None else cells
        limit = float((every if options.threshold == "mean-all" else inside).mean())
    return lights(values, limit, options) & seen, limit


def lights(
    values: NDArray[np.floating], limit: float | NDArray[np.floating], options: PostOptions
) -> NDArray[np.bool_]:
    """Which values are lit: those above the limit; a share of the maximum is reached by it as well.

    Args:
        values: float, any shape.
        limit: of :func:`binarise`, one or as many as fit the values' last axis.
        options: ``threshold`` is used.
    """
    if options.threshold == "max-share":
        return (values >= limit) & (values > 0)
    return values > limit


def is_flat(values: NDArray[np.floating]) -> bool:
    """Whether values are empty or all the same."""
    if values.size == 0:
        return True
    low, high = float(values.min()), float(values.max())
    return high - low <= FLAT * max(abs(low), abs(high))


def otsu(values: NDArray[np.float64]) -> float:
    """The threshold with the largest variance between the two sides (Otsu 1979).

    Args:
        values: float, any shape, not all the same; counted in 256 bins of equal width.

    Returns:
        The upper edge of the lower class's last bin.
    """
    low, high = float(values.min()), float(values.max())
    # counted on 0..1: attention can be so small that bins of its own range would have no width
    counts, edges = np.histogram((values - low) / (high - low), bins=_BINS, range=(0.0, 1.0))
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    sums = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    # neither side is ever empty: the first bin holds the minimum, the last the maximum
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    best = int(np.argmax(below * above * apart**2))
    return low + float(edges[best + 1]) * (high - low)


def label_components(lit: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected components: int (rows, columns) with 0 where unlit, and how many."""
    labels, count = label(lit, structure=_EIGHT)
    return labels, int(count)


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


def choose(
    labels: NDArray[np.int32], count: int, values: NDArray[np.float64], keep: str
) -> NDArray[np.bool_]:
    """Bool (rows, columns): the one component that is taken for the object.

    Args:
        labels: from :func:`label_components`.
        count: number of components, at least 1.
        values: float (rows, columns), the map that was binarised.
        keep: ``hull``: largest convex hull of its cells' corners; ``area``: most cells; ``mass``:
            largest sum of values; ``peak``: the one with the largest value. Ties go to the first; of
            equal hulls to the one in the larger rectangle.
    """
    if keep == "hull":
        return labels == _largest_hull(labels)
    flat = labels.ravel()
    if keep == "peak":
        lit = np.where(flat > 0, values.ravel(), -np.inf)
        return labels == flat[int(np.argmax(lit))]
    weights = values.ravel() if keep == "mass" else None
    sizes = np.bincount(flat, weights=weights, minlength=count + 1)[1:]
    return labels == int(np.argmax(sizes)) + 1


def _largest_hull(labels: NDArray[np.int32]) -> int:
    places: Sequence[Slices] = find_objects(labels)
    bounds = [(rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in places]
    best, best_area = 0, 0.0
    # a hull is never larger than its rectangle: most components need no hull at all
    for index in sorted(range(len(places)), key=lambda index: -bounds[index]):
        if bounds[index] <= best_area:
            break
        area = hull_area(labels[places[index]] == index + 1)
        if area > best_area:
            best, best_area = index + 1, area
    return best


def hull_area(component: NDArray[np.bool_]) -> float:
    """Area in cells of the convex hull of the corners of a component's cells.

    Args:
        component: bool (rows, columns) with at least one cell.
    """
    rows = np.flatnonzero(component.any(axis=1))
    left = component[rows].argmax(axis=1)
    right = component.shape[1] - component[rows, ::-1].argmax(axis=1)
    # only the ends of each row can be corners of the hull
    x = np.concatenate([left, left, right, right])
    y = np.concatenate([rows, rows + 1, rows, rows + 1])
    return float(ConvexHull(np.stack([x, y], axis=1)).volume)  # in the plane, volume is area


def _box(raster: Raster, component: NDArray[np.bool_]) -> Box:
    cells = tight_box(component)
    assert cells is not None  # a component has one cell at least
    left, top, right, bottom = (int(edge) for edge in cells)
    x, y = raster.x_edges, raster.y_edges
    return float(x[left]), float(y[top]), float(x[right]), float(y[bottom])


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
