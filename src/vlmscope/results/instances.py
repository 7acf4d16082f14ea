"""The objects of one phrase, as a Grounding shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.post import Located
from vlmscope.types import Box, Instance

__all__ = ["instances_of"]

_OWN = 0.5  # what keeps less than this share of its pixels is the first object again


def instances_of(
    box: Box | None,
    mask: NDArray[np.bool_],
    point: tuple[float, float] | None,
    score: float,
    located: Located | None,
) -> tuple[Instance, ...]:
    """The first instance, which has the box, mask and score of the Grounding, then further ones.

    A mask may be another than what was located, drawn by SAM: further instances leave its pixels to
    the first, and are none where that leaves them less than half of theirs.

    Args:
        box, mask, point, score: of the Grounding.
        located: what it was read from, or None.
    """
    if box is None or point is None:
        return ()
    parts = () if located is None else located.instances
    if not parts:
        return (Instance(box, mask, point, score),)
    first = Instance(box, mask, parts[0].point, score)
    return first, *_further(parts[1:], mask, score)


def _further(parts: Sequence[Instance], taken: NDArray[np.bool_], score: float) -> list[Instance]:
    instances = []
    for part in parts:
        own = part.mask & ~taken
        if own.sum() < _OWN * part.mask.sum():
            continue
        # of a score below zero, too, less is left the lower the peak
        less = score - (1 - part.score) * abs(score)
        instances.append(Instance(part.box, own, part.point, less))
    return instances
