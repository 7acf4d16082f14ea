"""Weights of cells for pixels along one axis, sparse where there are many cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vlmscope.types.views import axis_weights

__all__ = ["bilinear_weights"]

_FEW_CELLS = 128


def bilinear_weights(edges: NDArray[np.float64], size: int) -> NDArray[np.float32] | csr_array:
    """Float32 (size, cells): how much each cell contributes to each pixel, bilinearly.

    A pixel lies between two cells; with a few dozen of them, skipping the others gains nothing.

    Args:
        edges: float (cells + 1,), ascending, original pixels.
        size: pixels along the axis.
    """
    weights = axis_weights(edges, size, "bilinear").astype(np.float32)
    return csr_array(weights) if weights.shape[1] > _FEW_CELLS else weights
