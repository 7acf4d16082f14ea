"""One object of a phrase that fits several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.types.boxes import Box

__all__ = ["Instance"]


@dataclass(frozen=True, eq=False)
class Instance:
    """One of the objects that a phrase refers to.

    Attributes:
        box: xyxy float pixels of the original image.
        mask: bool (height, width) of the original image; no two instances share a pixel.
        point: (x, y) of its strongest place in original pixels.
        score: in the unit of the phrase's score; never above an earlier instance's.
    """

    box: Box
    mask: NDArray[np.bool_] = field(repr=False)
    point: tuple[float, float]
    score: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; the mask as its area in pixels."""
        return {
            "box": [float(value) for value in self.box],
            "point": [float(value) for value in self.point],
            "score": float(self.score),
            "mask_area": int(self.mask.sum()),
        }
