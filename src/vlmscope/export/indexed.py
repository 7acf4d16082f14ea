"""Labels as a picture whose pixel values are class indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from vlmscope.results import Segmentation
from vlmscope.types import BACKGROUND
from vlmscope.viz import class_colours

__all__ = ["IndexedImage", "index_image"]

_EIGHT_BITS = 256


@dataclass(frozen=True, eq=False)
class IndexedImage:
    """A picture of labels.

    Attributes:
        picture: mode ``P`` with a palette, or ``I;16`` where there are too many classes for it.
        bits: of a pixel, 8 or 16.
        background: the pixel value of the background: 255 or 65535; None where 256 classes leave
            none in 8 bits.
    """

    picture: Image.Image
    bits: int
    background: int | None


def index_image(segmentation: Segmentation) -> IndexedImage:
    """A picture whose pixel values are indices into ``segmentation.names``.

    Up to 255 classes, or 256 without any background, fit in 8 bits with a palette of the classes'
    colours; more need 16 bits, which have none.
    """
    labels, classes = segmentation.labels, len(segmentation.names)
    empty = bool((labels == BACKGROUND).any())
    if classes + empty > _EIGHT_BITS:
        return IndexedImage(Image.fromarray(labels), 16, BACKGROUND)
    values = labels.astype(np.uint8)  # 65535 becomes 255
    picture = Image.fromarray(values, mode="P")
    table = np.zeros((_EIGHT_BITS, 3), dtype=np.uint8)
    table[:classes] = class_colours(segmentation.names)
    picture.putpalette(table.tobytes())
    return IndexedImage(picture, 8, None if classes == _EIGHT_BITS else _EIGHT_BITS - 1)
