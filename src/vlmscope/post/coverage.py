"""How much of every image token's cell an object takes up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.types import Box, TokenMap, View

__all__ = ["box_coverage", "mask_coverage", "visible_areas"]


def visible_areas(token_map: TokenMap) -> NDArray[np.float64]:
    """Float (tokens,): pixels of the original image under each cell; 0 for a cell on padding."""
    height, width = token_map.image_size
    return box_areas(token_map, (0.0, 0.0, float(width), float(height)))


def box_coverage(token_map: TokenMap, box: Box) -> NDArray[np.float64]:
    """Float (tokens,), 0..1: the share of each cell's visible area inside a box (xyxy)."""
    return _share(box_areas(token_map, box), visible_areas(token_map))


def mask_coverage(token_map: TokenMap, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Float (tokens,), 0..1: the share of each cell's visible area inside a mask.

    Args:
        token_map: geometry of the image tokens.
        mask: bool (height, width) of the original image.
    """
    areas = [_mask_areas(view, mask) for view in token_map.views]
    return _share(np.concatenate(areas), visible_areas(token_map))


def box_areas(token_map: TokenMap, box: Box) -> NDArray[np.float64]:
    """Float (tokens,): pixels of the original image that lie under a cell and in a box."""
    height, width = token_map.image_size
    x0, y0, x1, y1 = np.clip(box, 0, (width, height, width, height))
    parts = []
    for view in token_map.views:
        rows = np.diff(np.clip(view.y_edges, y0, y1))
        columns = np.diff(np.clip(view.x_edges, x0, x1))
        parts.append(np.outer(rows, columns).ravel())
    return np.concatenate(parts)


def _mask_areas(view: View, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mask pixels under each cell of a view, fractions of pixels included."""
    low, share = _places(view.y_edges, len(mask))
    above, below = _sums(mask, low), _sums(mask, low + 1)
    at_rows = above * (1 - share) + below * share
    corners = _between(at_rows.T, view.x_edges).T  # (rows + 1, columns + 1)
    return np.diff(np.diff(corners, axis=0), axis=1).ravel()


def _sums(mask: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Float (rows, width + 1): mask pixels above each row and left of each column.

    Only of the rows that are asked for, ascending: sums of all of them take twenty times as long on a
    large image.
    """
    columns = np.zeros((len(rows), mask.shape[1] + 1), dtype=np.int64)
    before = 0
    for at, row in enumerate(rows.tolist()):
        if at:
            columns[at] = columns[at - 1]
        columns[at, 1:] += mask[before:row].sum(axis=0)
        before = row
    return np.cumsum(columns, axis=1).astype(np.float64)


def _between(sums: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative sums at fractional places of the first axis: they grow evenly within a pixel."""
    low, share = _places(edges, len(sums) - 1)
    result: NDArray[np.float64] = sums[low] * (1 - share) + sums[low + 1] * share
    return result


def _places(edges: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The whole pixels before edges along a side, int (n,), and how far into the next, float (n, 1)."""
    places = np.clip(edges, 0, size)
    low = np.minimum(places.astype(np.int64), size - 1)
    return low, (places - low)[:, None]


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
