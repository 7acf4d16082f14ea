"""The two label-free criteria: attention sum with its elbow, and spatial entropy.

See docs/methods/localization-heads.md (Discovery).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import label

from vlmscope.types import TokenMap

__all__ = ["attention_sums", "bottom_row_lit", "elbow", "spatial_entropies"]

# 8-connected within a map, never from one head's map to the next
_WITHIN = np.zeros((3, 3, 3), dtype=int)
_WITHIN[1] = 1

# A uniform map lies above its own mean by rounding alone; that is no component.
_ROUNDING = 1e-6


def attention_sums(maps: ArrayLike) -> NDArray[np.float64]:
    """Attention on all image tokens : (heads, tokens) -> (heads,)."""
    sums: NDArray[np.float64] = np.asarray(maps, dtype=np.float64).sum(axis=-1)
    return sums


def elbow(values: ArrayLike) -> float:
    """The VALUE at the elbow of the sorted curve, by the chord method.

    The elbow is the point of the ascending curve that lies farthest from the straight line between
    its ends. A head passes when its value is at least the elbow's; where the elbow stands in the
    sorted order says nothing about which heads these are.

    Args:
        values: float (heads,), finite, at least one.
    """
    curve = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if len(curve) < 3 or curve[0] == curve[-1]:
        return float(curve[0])
    chord = np.linspace(curve[0], curve[-1], len(curve))
    # the distance from the line is this difference times a constant
    return float(curve[np.argmax(np.abs(curve - chord))])


def spatial_entropies(token_map: TokenMap, maps: ArrayLike, weigh: str) -> NDArray[np.float64]:
    """Spatial entropy of every map: float (heads,), infinite where nothing is lit.

    Cells above the map's mean form 8-connected components C_i; P_i = |C_i| / sum |C_j| over ALL
    components, however small, and H = -sum P_i log P_i. Components of several views are found in
    each view on its own and count together.

    Args:
        token_map: geometry of the image tokens.
        maps: float (heads, tokens), attention.
        weigh: |C| is ``"area"``, the number of cells, or ``"mass"``, the attention above the mean.
    """
    values = np.asarray(maps, dtype=np.float64)
    lit, excess = _above_mean(values)
    owners, sizes = _components(token_map, lit, excess if weigh == "mass" else lit.astype(float))
    heads = len(values)
    totals = np.bincount(owners, sizes, minlength=heads)
    shares = sizes / totals[owners]
    entropies = np.bincount(owners, -shares * np.log(shares), minlength=heads)
    return np.where(totals > 0, np.abs(entropies), np.inf)  # abs: one component gives -0.0


def bottom_row_lit(token_map: TokenMap, maps: ArrayLike) -> NDArray[np.bool_]:
    """Whether a cell of the bottom row of any view is above the map's mean: (heads,)."""
    lit, _ = _above_mean(np.asarray(maps, dtype=np.float64))
    bottoms = [grid[:, -1].any(axis=-1) for grid in token_map.split(lit)]
    return np.any(bottoms, axis=0)


def _above_mean(values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which tokens lie above their map's mean, and by how much: both (heads, tokens)."""
    means = values.mean(axis=-1, keepdims=True)
    excess = values - means
    return excess > _ROUNDING * np.abs(values).max(axis=-1, keepdims=True), excess


def _components(
    token_map: TokenMap, lit: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Head and size of every component of every head's map: two arrays (components,)."""
    owners, sizes = [], []
    pairs = zip(token_map.split(lit), token_map.split(weights), strict=True)
    for grid, weight in pairs:
        labels, count = label(grid > 0, structure=_WITHIN)
        cells = labels.nonzero()
        numbers = labels[cells] - 1
        owner = np.zeros(count, dtype=np.int64)
        owner[numbers] = cells[0]
        owners.append(owner)
        sizes.append(np.bincount(numbers, weight[cells], minlength=count))
    return np.concatenate(owners), np.concatenate(sizes)
