"""How far a map stands out from its own mean, which takes the unit of its method away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding

__all__ = ["deviations", "standard"]


def deviations(grounding: Grounding) -> NDArray[np.float64]:
    """Float (height, width): standard deviations above the mean of the heat map; 0 for a flat map.

    Mean and standard deviation are over the pixels that the model saw. The heat map is the smoothed
    map stretched to 0..1, which standardising undoes.
    """
    heat = grounding.heatmap.astype(np.float64)
    inside = _seen(grounding)
    mean, spread = _moments(heat[inside])
    if spread == 0.0:
        return np.zeros_like(heat)
    return np.where(inside, (heat - mean) / spread, 0.0)


def standard(grounding: Grounding) -> tuple[float, float]:
    """Mean and standard deviation of the heat map over the pixels that the model saw; 0 and 0 of none."""
    return _moments(grounding.heatmap.astype(np.float64)[_seen(grounding)])


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if values.size else (0.0, 0.0)


def _seen(grounding: Grounding) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = grounding.seen
    height, width = grounding.image_size
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return np.outer((rows >= y0) & (rows < y1), (columns >= x0) & (columns < x1))
