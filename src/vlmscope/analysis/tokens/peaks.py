"""Whether the peak of a word's map lies on an object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from vlmscope.analysis.tokens.word_maps import MapsOfWords
from vlmscope.post import peak

__all__ = ["TOLERANCE", "around", "lies_in", "peak_hits"]

TOLERANCE = 40.0 / 448.0
"""The paper's 40 pixels, of images that its model takes at 448, as a share of the longer side."""


def around(mask: NDArray[np.bool_], tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
    """A mask and every pixel near it.

    Args:
        mask: bool (height, width).
        tolerance: how far off the mask a pixel may lie, as a share of the image's longer side.

    Returns:
        bool (height, width).
    """
    near: NDArray[np.bool_] = distance_transform_edt(~mask) <= tolerance * max(mask.shape)
    return near


def peak_hits(
    answer: MapsOfWords, word: int, spans: Sequence[tuple[int, int]], region: NDArray[np.bool_]
) -> list[bool]:
    """For each range of layers, whether the peak of a word's map lies in a region.

    Args:
        answer: the answer.
        word: index of one of its words.
        spans: (first, last) layers, both included.
        region: bool (height, width) of the image's pixels.

    Raises:
        AttentionError: a word or layer that does not exist.
    """
    return [lies_in(region, peak(answer.token_map, answer.map_of(word, span))) for span in spans]


def lies_in(region: NDArray[np.bool_], point: tuple[float, float] | None) -> bool:
    """Whether a point, (x, y) in pixels, lies in a region, bool (height, width); no point does not."""
    if point is None:
        return False
    height, width = region.shape
    x, y = min(int(point[0]), width - 1), min(int(point[1]), height - 1)
    return bool(region[max(y, 0), max(x, 0)])
