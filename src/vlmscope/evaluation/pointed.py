"""Pointing of whoever answers with points: whether each lies on its object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample
from vlmscope.metrics import contains
from vlmscope.types import Box

__all__ = ["area_share", "pointed"]


def pointed(
    sample: EvalSample, points: Sequence[tuple[float, float] | None]
) -> list[tuple[int, float]]:
    """For every referent: 1 if its point hits it, else 0; and what a random pixel would hit.

    Args:
        sample: the image and its truth.
        points: (x, y) in original pixels, one per referent; None: nothing was found.
    """
    targets = [referent.target for referent in sample.referents]
    shares = [area_share(target.shape, sample.image.size) for target in targets]
    hits = [int(contains(t.shape, p)) for t, p in zip(targets, points, strict=True)]
    return list(zip(hits, shares, strict=True))


def area_share(shape: Box | NDArray[np.bool_], size: tuple[int, int]) -> float:
    """The share of an image, (height, width), that an object takes up."""
    if isinstance(shape, np.ndarray):
        return float(shape.mean())
    height, width = size
    wide = min(shape[2], width) - max(shape[0], 0.0)
    high = min(shape[3], height) - max(shape[1], 0.0)
    return max(0.0, wide) * max(0.0, high) / (height * width)
