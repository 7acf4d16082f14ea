"""What counts as lit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.options import PostOptions

__all__ = ["binarise", "is_flat", "otsu"]

# Values that differ by less than this share of the largest are one value: a uniform float32 row
# gets differences of this size from summing and painting, and its noise is no object.
_FLAT = 1e-5
_BINS = 256


def binarise(
    values: NDArray[np.float64], seen: NDArray[np.bool_], options: PostOptions
) -> tuple[NDArray[np.bool_], float | None]:
    """Which places are lit, and the threshold; nothing and None when all values are the same.

    Args:
        values: float (rows, columns).
        seen: bool (rows, columns); other places neither count for the threshold nor are lit.
        options: ``threshold`` and ``share`` are used.
    """
    inside = values[seen]
    if is_flat(inside):
        return np.zeros_like(seen), None
    if options.threshold == "max-share":
        limit = options.share * float(inside.max())
        return (values >= limit) & seen & (values > 0), limit
    limit = otsu(inside) if options.threshold == "otsu" else float(inside.mean())
    return (values > limit) & seen, limit


def is_flat(values: NDArray[np.floating]) -> bool:
    """Whether values are empty or all the same."""
    if values.size == 0:
        return True
    low, high = float(values.min()), float(values.max())
    return high - low <= _FLAT * max(abs(low), abs(high))


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
