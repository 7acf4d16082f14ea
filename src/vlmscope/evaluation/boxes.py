"""Boxes around masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["tight_box"]


def tight_box(mask: NDArray[np.bool_]) -> Box:
    """The smallest box around a mask, xyxy float pixels, far edges exclusive.

    Args:
        mask: bool (height, width), True somewhere.

    Raises:
        BadSampleError: an empty mask.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise BadSampleError("An empty mask has no box. Leave the object out.")
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
