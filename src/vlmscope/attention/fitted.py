"""An image as a model takes it, made once: to be counted, to be run, and perhaps in another thread."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.models import ImageInputs, LoadedModel

__all__ = ["FittedImage", "kind_of"]


@dataclass(eq=False)
class FittedImage:
    """An image of a model, fitted once for each placement.

    Attributes:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
    """

    model: LoadedModel
    pixels: NDArray[np.uint8] = field(repr=False)
    _made: dict[str | None, ImageInputs] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, model: LoadedModel, image: NDArray[np.uint8] | FittedImage) -> FittedImage:
        """An image, fitted when it is needed; one that is fitted passes through."""
        return image if isinstance(image, cls) else cls(model, np.asarray(image))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the original."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])

    def inputs(self, placement: str | None = None) -> ImageInputs:
        """What the model takes; ``placement`` as for :func:`vlmscope.prefill`."""
        if placement not in self._made:
            self._made[placement] = self.model.fit(self.pixels, placement)
        return self._made[placement]

    def kind(self, placement: str | None = None) -> tuple[int, int]:
        """How many tokens stand for the image, and how many cells it has: alike in one batch."""
        return kind_of(self.inputs(placement))


def kind_of(image: ImageInputs) -> tuple[int, int]:
    """(tokens, cells) of a fitted image; where it is read by cross-attention it has one token."""
    return image.expansion.tokens, sum(len(layout.offsets) for layout in image.layouts)
