"""Whether single places of an image light up, all components counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.locate import Located
from vlmscope.post.raster import cell_at, rasterise
from vlmscope.post.region import binarise

__all__ = ["lit_points"]


def lit_points(located: Located, points: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Whether the map reaches its threshold at each of some places.

    The region of a phrase keeps one component of what is lit; here every component counts.

    Args:
        located: the map and its options.
        points: (x, y) in pixels of the original image, pixel centres at halves.

    Returns:
        bool (points,); places that the model did not see are never lit.
    """
    raster = rasterise(located.token_map, located.weights, located.options.surface)
    lit, _ = binarise(raster.values, raster.seen, located.options, located.weights)
    return np.array([bool(lit[cell_at(raster, point)]) for point in points], dtype=bool)
