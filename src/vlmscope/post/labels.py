"""From scores of several classes on a patch grid to one label per original pixel.

Scores are painted bilinearly and compared pixel by pixel, in bands of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.options import PostOptions
from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.post.region import binarise, lights
from vlmscope.post.regions import Regions
from vlmscope.types import BACKGROUND, TokenMap

__all__ = ["Labels", "competing_labels", "renumbered", "standalone_labels"]


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
    for rows, band in PaintedGrid.of(token_map, scores).bands():
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
    for rows, band in PaintedGrid.of(token_map, scores).bands():
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


def renumbered(labels: Labels, kept: NDArray[np.intp], classes: int) -> Labels:
    """Labels of some of the classes as labels of all; what is no class of them is background.

    Args:
        labels: indices into ``kept``.
        kept: indices of the classes that took part.
        classes: how many there are.
    """
    names = np.full(BACKGROUND + 1, BACKGROUND, dtype=np.uint16)
    names[: len(kept)] = kept
    if labels.confidence is None:
        return Labels(names[labels.labels], None)
    confidence = np.zeros(classes, dtype=np.float32)
    confidence[kept] = labels.confidence[: len(kept)]
    return Labels(names[labels.labels], confidence)
