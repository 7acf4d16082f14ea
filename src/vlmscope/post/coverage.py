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
    height, width = token_map.image_size
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = np.cumsum(np.cumsum(mask, axis=0), axis=1)
    areas = [_mask_areas(view, sums) for view in token_map.views]
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


def _mask_areas(view: View, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mask pixels under each cell of a view, fractions of pixels included."""
    at_rows = _between(sums, view.y_edges)
    corners = _between(at_rows.T, view.x_edges).T  # (rows + 1, columns + 1)
    return np.diff(np.diff(corners, axis=0), axis=1).ravel()


def _between(sums: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative sums at fractional places of the first axis: they grow evenly within a pixel."""
    places = np.clip(edges, 0, len(sums) - 1)
    low = np.minimum(places.astype(int), len(sums) - 2)
    share = (places - low)[:, None]
    result: NDArray[np.float64] = sums[low] * (1 - share) + sums[low + 1] * share
    return result


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
