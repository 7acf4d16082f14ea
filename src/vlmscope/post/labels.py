"""From scores of several classes on a patch grid to one label per original pixel.

Scores are painted bilinearly and compared pixel by pixel, in bands of rows: a thousand classes on a
large photograph would not fit in memory as maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vlmscope.post.options import PostOptions
from vlmscope.post.painting import bilinear_weights
from vlmscope.post.region import binarise, lights
from vlmscope.post.regions import Regions
from vlmscope.types import BACKGROUND, TokenMap
from vlmscope.types.views import axis_weights

__all__ = ["Labels", "competing_labels", "standalone_labels"]

_BAND_VALUES = 1 << 22  # 16 MB of float32


@dataclass(frozen=True, eq=False)
class Labels:
    """One label per pixel.

    Attributes:
        labels: uint16 (height, width), an index of a class or BACKGROUND.
        confidence: float32 (classes,), mean softmax probability over a class's pixels, 0 where it
            has none; None when classes do not compete.
    """

    labels: NDArray[np.uint16] = field(repr=False)
    confidence: NDArray[np.float32] | None


def competing_labels(
    token_map: TokenMap,
    scores: NDArray[np.floating],
    scale: float,
    floor: float | None = None,
    regions: Regions | None = None,
) -> Labels:
    """Every pixel goes to the class with the largest score there, or in its region.

    Args:
        token_map: geometry of the patches, one view.
        scores: float (patches, classes), raw similarity.
        scale: factor that makes logits of it.
        floor: pixels whose largest softmax probability lies below are background; None: none are.
        regions: parts of the image that go to one class each, by their own scores; other pixels are
            decided one by one.
    """
    voted = None if regions is None else _best(regions.scores * np.float32(scale))
    height, width = token_map.image_size
    labels = np.full((height, width), BACKGROUND, dtype=np.uint16)
    sums, counts = np.zeros(scores.shape[1]), np.zeros(scores.shape[1], dtype=np.int64)
    for rows, band in _bands(token_map, scores):
        best, certainty = _best(np.multiply(band, np.float32(scale), out=band))
        if regions is not None and voted is not None:
            owners = regions.owners[rows]
            inside = owners >= 0
            best[inside], certainty[inside] = (each[owners[inside]] for each in voted)
        kept = certainty >= (0.0 if floor is None else floor)
        labels[rows] = np.where(kept, best, BACKGROUND)
        sums += np.bincount(best[kept], weights=certainty[kept], minlength=len(sums))
        counts += np.bincount(best[kept], minlength=len(sums))
    mean = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return Labels(labels, mean.astype(np.float32))


def _best(logits: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The best class, and its softmax probability: (..., classes), overwritten, -> (...) each."""
    best = logits.argmax(axis=-1)
    logits -= logits.max(axis=-1, keepdims=True)
    return best, 1.0 / np.exp(logits, out=logits).sum(axis=-1)


def standalone_labels(
    token_map: TokenMap,
    scores: NDArray[np.floating],
    options: PostOptions,
    regions: Regions | None = None,
) -> Labels:
    """Every class is lit by its own threshold; a pixel goes to the strongest class lit there.

    Args:
        token_map: geometry of the patches, one view.
        scores: float (patches, classes), raw similarity.
        options: ``threshold`` and ``share`` are used, on the patch grid; a class whose map is flat
            is lit nowhere.
        regions: parts of the image that are lit or not as a whole, by their own scores.
    """
    limits = np.array([_limit(token_map, map_, options) for map_ in scores.T], dtype=np.float32)
    labels = np.full(token_map.image_size, BACKGROUND, dtype=np.uint16)
    for rows, band in _bands(token_map, scores):
        labels[rows] = _strongest(band, limits, options)
    if regions is not None:
        inside = regions.owners >= 0
        labels[inside] = _strongest(regions.scores, limits, options)[regions.owners[inside]]
    return Labels(labels, None)


def _strongest(
    scores: NDArray[np.float32], limits: NDArray[np.float32], options: PostOptions
) -> NDArray[np.intp]:
    """The strongest class that is lit, or BACKGROUND: (..., classes) -> (...)."""
    lit = np.where(lights(scores, limits, options), scores, -np.inf)
    return np.where(np.isinf(lit.max(axis=-1)), BACKGROUND, lit.argmax(axis=-1))


def _limit(token_map: TokenMap, scores: NDArray[np.floating], options: PostOptions) -> float:
    (grid,) = token_map.split(scores)
    _, limit = binarise(grid, np.ones(grid.shape, dtype=bool), options)
    return float("inf") if limit is None else limit


def _bands(
    token_map: TokenMap, scores: NDArray[np.floating]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Rows of the image, and the scores painted on them: float32 (rows, width, classes)."""
    (view,) = token_map.views
    height, width = token_map.image_size
    grid = scores.astype(np.float32).reshape(*view.grid, -1)
    down = axis_weights(view.y_edges, height, "bilinear").astype(np.float32)
    across = bilinear_weights(view.x_edges, width)
    step = max(1, _BAND_VALUES // (grid.shape[-1] * width))
    for start in range(0, height, step):
        rows = slice(start, min(start + step, height))
        # only the few patch rows that these pixels lie between matter
        used = np.flatnonzero(down[rows].any(axis=0))
        near = slice(used[0], used[-1] + 1)
        lines = np.tensordot(down[rows, near], grid[near], 1)
        yield rows, across @ lines if isinstance(across, np.ndarray) else _spread(across, lines)


def _spread(across: csr_array, lines: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([across @ line for line in lines])
