"""How much more attention lies on the object than chance puts there."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["enrichment"]


def enrichment(
    weights: ArrayLike, coverage: NDArray[np.float64], areas: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Attention inside the object over the object's share of the area; 1 is chance.

    Tokens that lie on padding alone do not count. 0 where the object was not seen or no attention
    lies on the image.

    Args:
        weights: float (..., tokens), attention.
        coverage: float (tokens,), the share of each cell's visible area inside the object.
        areas: float (tokens,), visible area of each cell in pixels.

    Returns:
        float (...).
    """
    values = np.asarray(weights, dtype=np.float64)
    inside, total = values @ coverage, values @ (areas > 0).astype(np.float64)
    share = float(coverage @ areas) / float(areas.sum()) if areas.sum() > 0 else 0.0
    expected = total * share
    return np.divide(inside, expected, out=np.zeros_like(inside), where=expected > 0)
