"""The region that a combined map points at: mask, box and point on original pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects, label
from scipy.spatial import ConvexHull

from vlmscope.post.options import PostOptions
from vlmscope.post.raster import Raster, box_of, cell_at, mask_of, rasterise
from vlmscope.types import Box, TokenMap

__all__ = [
    "FLAT",
    "LitParts",
    "Region",
    "binarise",
    "choose",
    "find_region",
    "hull_area",
    "is_flat",
    "label_components",
    "lights",
    "lit_parts",
    "otsu",
    "peak",
]

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


def find_region(
    token_map: TokenMap, weights: ArrayLike, options: PostOptions, limit: float | None = None
) -> Region:
    """Binarise, keep one component, box it (docs/methods/localization-heads.md, Grounding).

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,), the combined map, smoothed already; finite.
        options: ``threshold``, ``share``, ``keep`` and ``surface`` are used.
        limit: the threshold, where it was found elsewhere; None: of this map alone.
    """
    values = np.asarray(weights, dtype=np.float64)
    parts = lit_parts(token_map, values, options, limit)
    if parts.kept is None:
        unlit = np.zeros(token_map.image_size, dtype=bool)
        return Region(unlit, None, None, None, 0, parts.raster.surface)
    box = box_of(parts.raster, parts.kept)
    mask = mask_of(parts.raster, parts.kept, token_map.image_size, box)
    return Region(mask, box, parts.point, parts.threshold, parts.count, parts.raster.surface)


@dataclass(frozen=True, eq=False)
class LitParts:
    """All that a map lights up, cut into components, and the one that is taken for the object.

    Attributes:
        raster: where they were looked for.
        labels: int (rows, columns), 0 where unlit, else the number of the component.
        count: of components.
        kept: bool (rows, columns), the one that is taken; None when nothing is lit.
        point: (x, y) of the peak, see :func:`peak`; None when nothing is lit.
        threshold: above which a place is lit; None when nothing is.
    """

    raster: Raster
    labels: NDArray[np.int32]
    count: int
    kept: NDArray[np.bool_] | None
    point: tuple[float, float] | None
    threshold: float | None


def lit_parts(
    token_map: TokenMap,
    weights: NDArray[np.float64],
    options: PostOptions,
    limit: float | None = None,
) -> LitParts:
    """Binarise, cut into components and keep one; arguments as in :func:`find_region`."""
    raster = rasterise(token_map, weights, options.surface)
    lit, threshold = binarise(raster.values, raster.seen, options, weights)
    if limit is not None and threshold is not None:  # a flat map has no lit place at any limit
        lit, threshold = lights(raster.values, limit, options) & raster.seen, limit
    labels, count = label_components(lit)
    if count == 0:
        return LitParts(raster, labels, 0, None, None, None)
    point = peak(token_map, weights)
    component = _holding(labels, raster, point) if options.keep == "peak" else None
    if component is None:
        component = choose(labels, count, raster.values, options.keep)
    return LitParts(raster, labels, count, component, point, threshold)


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
    number = labels[cell_at(raster, point)]
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
