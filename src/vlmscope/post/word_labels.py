"""From scores of words to the class of every pixel, where a class has several words.

The softmax goes over ALL words, so a class that is described by more of them leaves less to the others;
a class has the probability of its best word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.labels import Labels
from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.types import BACKGROUND

__all__ = ["WordRule", "word_labels"]


@dataclass(frozen=True)
class WordRule:
    """How words decide about a pixel.

    Attributes:
        owners: the class of every word, ascending.
        classes: how many there are; the background may be one without a word.
        scale: factor between cosine similarity and logits.
        background: the class that is the background, or None.
        floor: pixels whose best class is less probable are background (:data:`BACKGROUND` where no
            class is it); None: none are.
        least_area: classes with a smaller share of the pixels that go to no background are set to 0
            everywhere, and the next best takes their pixels; None: none are.
    """

    owners: Sequence[int]
    classes: int
    scale: float
    background: int | None = None
    floor: float | None = None
    least_area: float | None = None


def word_labels(painted: PaintedGrid, rule: WordRule) -> Labels:
    """The class of every pixel.

    Args:
        painted: cosine similarity of cells with words.
        rule: how they decide.
    """
    dropped = _too_small(painted, rule)
    labels = np.full(painted.image_size, BACKGROUND, dtype=np.uint16)
    sums, counts = np.zeros(rule.classes), np.zeros(rule.classes, dtype=np.int64)
    elsewhere = BACKGROUND if rule.background is None else rule.background
    for rows, chances in _probabilities(painted, rule):
        chances[..., dropped] = 0
        best = chances.argmax(axis=-1)
        sure = chances.max(axis=-1) >= (0.0 if rule.floor is None else rule.floor)
        labels[rows] = chosen = np.where(sure, best, elsewhere)
        of_class = chosen != BACKGROUND
        held = np.take_along_axis(chances, np.where(of_class, chosen, 0)[..., None], axis=-1)
        weights = held[..., 0][of_class]
        sums += np.bincount(chosen[of_class], weights=weights, minlength=rule.classes)
        counts += np.bincount(chosen[of_class], minlength=rule.classes)
    mean = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return Labels(labels, mean.astype(np.float32))


def _too_small(painted: PaintedGrid, rule: WordRule) -> NDArray[np.intp]:
    """Classes of the foreground whose share of its pixels is below ``least_area``."""
    if rule.least_area is None:
        return np.zeros(0, dtype=np.intp)
    counts = np.zeros(rule.classes, dtype=np.int64)
    for _, chances in _probabilities(painted, rule):
        counts += np.bincount(chances.argmax(axis=-1).ravel(), minlength=rule.classes)
    if rule.background is not None:
        counts[rule.background] = 0
    # a quotient, not a product: 3 of 30 pixels are .1 to the bit, and .1 * 30 is not always 3
    small = counts / max(1, counts.sum()) < rule.least_area
    if rule.background is not None:
        small[rule.background] = False
    return np.flatnonzero(small)


def _probabilities(
    painted: PaintedGrid, rule: WordRule
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Rows of the image, and how probable each class is there: float32 (rows, width, classes)."""
    owners = np.asarray(rule.owners)
    spoken, firsts = np.unique(owners, return_index=True)
    for rows, band in painted.bands():
        logits = np.multiply(band, np.float32(rule.scale), out=band)
        logits -= logits.max(axis=-1, keepdims=True)
        words = np.exp(logits, out=logits)
        words /= words.sum(axis=-1, keepdims=True)
        chances = np.zeros((*words.shape[:-1], rule.classes), dtype=np.float32)
        chances[..., spoken] = np.maximum.reduceat(words, firsts, axis=-1)
        yield rows, chances
