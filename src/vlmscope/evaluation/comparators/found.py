"""What a comparator finds in an image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.types import Box

__all__ = ["Found"]


@dataclass(frozen=True, eq=False)
class Found:
    """The boxes of one phrase in one image, best first.

    Attributes:
        boxes: float32 (boxes, 4), xyxy pixels of the original image, best first; without a score,
            in the order in which the model wrote them.
        scores: float32 (boxes,), 0..1, each box's own; None: the model gives none.
        text: what the model was given for the phrase, word for word.
        mask: bool (height, width) of all that was found; None: the model gives none.
        answer: what a model that writes its boxes wrote; None: it writes nothing.
        notes: what somebody who counts this should know, such as a phrase that was cut.
    """

    boxes: NDArray[np.float32] = field(repr=False)
    scores: NDArray[np.float32] | None = field(repr=False)
    text: str
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)
    answer: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def box(self) -> Box | None:
        """The best box, xyxy float pixels of the original image; None: nothing was found."""
        if not len(self.boxes):
            return None
        x0, y0, x1, y1 = map(float, self.boxes[0])
        return x0, y0, x1, y1

    @property
    def score(self) -> float | None:
        """Of the best box, 0..1; None: nothing was found, or the model gives no scores."""
        return None if self.scores is None or not len(self.scores) else float(self.scores[0])
