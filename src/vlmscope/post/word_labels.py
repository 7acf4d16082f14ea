"""From scores of words to the class of every pixel, where a class has several words.

The softmax goes over ALL words, so a class that is described by more of them leaves less to the others;
a class has the probability of its best word, which is why the most probable word decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.labels import Labels
from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.post.regions import VotedGrid
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


def word_labels(painted: PaintedGrid | VotedGrid, rule: WordRule) -> Labels:
    """The class of every pixel.

    Args:
        painted: cosine similarity of cells with words; of parts of the image that go to one class
            each, :class:`VotedGrid`.
        rule: how they decide.
    """
    owners = np.asarray(rule.owners)
    out = np.isin(owners, _too_small(painted, rule))  # words of classes that are set to 0
    labels = np.full(painted.image_size, BACKGROUND, dtype=np.uint16)
    sums, counts = np.zeros(rule.classes), np.zeros(rule.classes, dtype=np.int64)
    for rows, band in painted.bands():
        logits = np.multiply(band, np.float32(rule.scale), out=band)
        logits -= logits.max(axis=-1, keepdims=True)
        words = np.exp(logits, out=logits)
        total = words.sum(axis=-1)
        words[..., out] = 0  # they still had their share of the softmax
        best = owners[words.argmax(axis=-1)]
        certainty = words.max(axis=-1) / total
        below = certainty < (0.0 if rule.floor is None else rule.floor)
        if rule.background is not None and below.any():
            best[below] = rule.background
            certainty[below] = _best_of(words[below], owners == rule.background) / total[below]
            below = np.zeros_like(below)
        kept = ~below
        labels[rows] = np.where(kept, best, BACKGROUND)
        sums += np.bincount(best[kept], weights=certainty[kept], minlength=rule.classes)
        counts += np.bincount(best[kept], minlength=rule.classes)
    mean = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return Labels(labels, mean.astype(np.float32))


def _best_of(words: NDArray[np.float32], some: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n, words) -> (n,): the largest of some of the words, 0 where these are none."""
    return words[:, some].max(axis=-1, initial=0)


def _too_small(painted: PaintedGrid | VotedGrid, rule: WordRule) -> NDArray[np.intp]:
    """Classes of the foreground whose share of its pixels is below ``least_area``."""
    if rule.least_area is None:
        return np.zeros(0, dtype=np.intp)
    owners, counts = np.asarray(rule.owners), np.zeros(rule.classes, dtype=np.int64)
    for _, band in painted.bands():
        counts += np.bincount(owners[band.argmax(axis=-1)].ravel(), minlength=rule.classes)
    if rule.background is not None:
        counts[rule.background] = 0
    # a quotient, not a product: 3 of 30 pixels are .1 to the bit, and .1 * 30 is not always 3
    small = counts / max(1, counts.sum()) < rule.least_area
    if rule.background is not None:
        small[rule.background] = False
    return np.flatnonzero(small)
