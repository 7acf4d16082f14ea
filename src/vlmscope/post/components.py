"""Connected parts of a lit area, and which of them is taken for the object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label
from scipy.spatial import ConvexHull

__all__ = ["choose", "hull_area", "label_components"]

_EIGHT = np.ones((3, 3), dtype=int)  # corners touch: 8-connected, as in the paper

Slices = tuple[slice, slice]


def label_components(lit: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected components: int (rows, columns) with 0 where unlit, and how many."""
    labels, count = label(lit, structure=_EIGHT)
    return labels, int(count)


def choose(
    labels: NDArray[np.int32], count: int, values: NDArray[np.float64], keep: str
) -> NDArray[np.bool_]:
    """Bool (rows, columns): the one component that is taken for the object.

    Args:
        labels: from :func:`label_components`.
        count: number of components, at least 1.
        values: float (rows, columns), the map that was binarised.
        keep: ``hull``: largest convex hull of its cells' corners; ``area``: most cells; ``mass``:
            largest sum of values; ``peak``: the one with the largest value. Ties go to the first.
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
