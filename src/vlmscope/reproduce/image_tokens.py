"""How many image tokens a model makes of the images of a set, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vlmscope.models import ImageInputs, LoadedModel

__all__ = ["LOOKED_AT", "tokens_per_image"]

LOOKED_AT = 8
"""How many images are fitted to tell the mean."""


def tokens_per_image(
    model: LoadedModel, images: Iterable[NDArray[np.uint8]], placement: str | None = None
) -> float:
    """Mean number of image tokens of the first images; exact where all images make as many.

    Args:
        model: the model.
        images: uint8 (height, width, 3); the first :data:`LOOKED_AT` are taken.
        placement: how images are fitted; None: the family's own.

    Returns:
        0 where there is no image.
    """
    counts = [_tokens(model, model.fit(pixels, placement)) for pixels in islice(images, LOOKED_AT)]
    return sum(counts) / len(counts) if counts else 0.0


def _tokens(model: LoadedModel, fitted: ImageInputs) -> int:
    """Positions that stand for the image, or the cells beside the sequence that layers cross to."""
    if model.family.crossed:
        return sum(len(layout.offsets) for layout in fitted.layouts)
    return sum(fitted.expansion.runs)
