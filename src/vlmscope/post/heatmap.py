"""Maps for looking at, and raw values for comparing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.post.raster import repaint
from vlmscope.post.threshold import is_flat
from vlmscope.types import TokenMap

__all__ = ["heat_map", "score_map"]


def heat_map(token_map: TokenMap, weights: ArrayLike) -> NDArray[np.float32]:
    """Paint weights smoothly on the original image and stretch them to 0..1.

    For display only: an absent object peaks at 1 too. A map whose values are all the same is all
    0, and so are pixels that the model never saw.

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,).

    Returns:
        float32 (height, width) of the original image.
    """
    painted = token_map.to_pixels(weights, "bilinear")
    seen = token_map.to_pixels(np.ones(np.shape(weights)), "nearest") > 0
    inside = painted[seen]
    if is_flat(inside):
        return np.zeros_like(painted)
    low, high = inside.min(), inside.max()
    stretched = np.clip((painted - low) / (high - low), 0, 1)
    return np.where(seen, stretched, 0).astype(np.float32)


def score_map(token_map: TokenMap, weights: ArrayLike) -> NDArray[np.float32]:
    """The raw weights on the token grid: float32 (rows, columns).

    One view gives its grid as it is, cells over a padded border included. Several are painted
    over the whole image at the pitch of the finest.

    Args:
        token_map: geometry of the image tokens.
        weights: float (tokens,).
    """
    if len(token_map.views) == 1:
        return token_map.split(weights)[0].astype(np.float32)
    height, width = token_map.image_size
    cell_height = min(float(np.diff(view.y_edges).min()) for view in token_map.views)
    cell_width = min(float(np.diff(view.x_edges).min()) for view in token_map.views)
    size = max(1, math.ceil(height / cell_height)), max(1, math.ceil(width / cell_width))
    return repaint(token_map, weights, size, "bilinear").astype(np.float32)
