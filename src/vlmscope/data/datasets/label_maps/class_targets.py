"""The classes of a label map as things to be pointed at."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import IGNORE, Referent
from vlmscope.data.datasets.words import WordList
from vlmscope.data.targets import Target
from vlmscope.types import tight_box

__all__ = ["AREA", "class_targets"]

AREA = (0.02, 0.8)
"""Shares of the image between which an object is a target: smaller ones are below a patch or two,
larger ones are hit blindly."""


def class_targets(
    labels: NDArray[np.int32],
    words: WordList,
    area: tuple[float, float] = AREA,
    without: Collection[str] = (),
) -> list[Referent]:
    """A target for each class of an image: all its pixels together, and the box around them.

    Args:
        labels: int32 (height, width) of class indices and :data:`IGNORE`.
        words: the classes, in the order of the indices.
        area: bounds of a target's share of the image, inclusive.
        without: classes that nobody points at, such as the background.
    """
    targets = []
    counts = np.bincount(labels[labels != IGNORE], minlength=len(words))
    for index, (label, names) in enumerate(words.classes.items()):
        inside = area[0] <= counts[index] / labels.size <= area[1]
        if counts[index] and inside and label not in without:
            mask = labels == index
            box = tight_box(mask)
            assert box is not None  # it has pixels: they were counted
            targets.append(Referent(label, names, Target(box, mask)))
    return targets
