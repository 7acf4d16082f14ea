"""Whether maps point at an object, told on the token grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.region import FLAT

__all__ = ["pointing_hits"]


def pointing_hits(
    maps: NDArray[np.float64], hits: NDArray[np.bool_], visible: NDArray[np.bool_]
) -> list[int]:
    """For every map 1 where its strongest visible cell hits the object, else 0; a flat map misses.

    Args:
        maps: float (maps, tokens).
        hits: bool (tokens,), cells whose middle lies inside the object.
        visible: bool (tokens,), cells under which there is any of the image.
    """
    inside = np.where(visible, maps, -np.inf)
    strongest = inside.argmax(axis=-1)
    top = inside.max(axis=-1)
    bottom = np.where(visible, maps, np.inf).min(axis=-1)
    structured = top - bottom > FLAT * np.abs(top)
    pointing: list[int] = (hits[strongest] & structured).astype(int).tolist()
    return pointing
