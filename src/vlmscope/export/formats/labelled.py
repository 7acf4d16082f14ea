"""What is exported: an image with the objects that were found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.coco_masks import coco_mask
from vlmscope.errors import OutputError
from vlmscope.types import Box

__all__ = ["LabelledImage", "LabelledObject"]


@dataclass(frozen=True)
class LabelledObject:
    """One object of a phrase.

    Attributes:
        phrase: what was looked for.
        instance: number of the object of this phrase, from 0.
        box: xyxy, float pixels of the upright image.
        score: how strongly it lights up; None: not known.
        presence: whether the phrase is there at all; None: not known.
        point: (x, y) of the peak, float pixels; None: not known.
        mask: COCO run lengths, ``size`` [height, width] and ``counts`` as text; None: no mask.
        warnings: what to read before trusting it.
    """

    phrase: str
    instance: int
    box: Box
    score: float | None = None
    presence: float | None = None
    point: tuple[float, float] | None = None
    mask: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def pixels(self) -> NDArray[np.bool_] | None:
        """The mask, bool (height, width).

        Raises:
            BadSampleError: run lengths that are none.
        """
        draw = None if self.mask is None else coco_mask(dict(self.mask))
        if self.mask is None or draw is None:
            return None
        height, width = self.mask["size"]
        return draw((height, width))


@dataclass(frozen=True)
class LabelledImage:
    """An image that was labelled.

    Attributes:
        id: of the image: its path within the source, with slashes, or a column's value.
        width: of the upright image, in pixels.
        height: likewise.
        objects: in the order of the phrases, best first within a phrase; none: nothing was found.
        model: that found them.
        method: likewise.
    """

    id: str
    width: int
    height: int
    objects: tuple[LabelledObject, ...]
    model: str = ""
    method: str = ""

    def inside(self, box: Box) -> Box:
        """A box cut off at the edges of the image, for formats that take nothing outside it."""
        x0, y0, x1, y1 = box
        return (
            min(max(x0, 0.0), self.width),
            min(max(y0, 0.0), self.height),
            min(max(x1, 0.0), self.width),
            min(max(y1, 0.0), self.height),
        )

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise OutputError(
                f"The image {self.id!r} is {self.width} x {self.height} pixels by its row, which no "
                "image is. Label it again."
            )
