"""The object of a sample, seen from the image tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.samples import Sample
from vlmscope.data.shapes import check_box_inside, check_mask_size
from vlmscope.errors import BadSampleError
from vlmscope.metrics import contains
from vlmscope.post import box_coverage, mask_coverage, visible_areas
from vlmscope.types import Box, TokenMap, tight_box

__all__ = ["Target", "target_of"]


@dataclass(frozen=True, eq=False)
class Target:
    """Where the object is.

    Attributes:
        box: xyxy float pixels of the original image.
        mask: bool (height, width) of the original image, or None.
    """

    box: Box
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def shape(self) -> Box | NDArray[np.bool_]:
        """The finest description there is."""
        return self.box if self.mask is None else self.mask

    def coverage(self, token_map: TokenMap) -> NDArray[np.float64]:
        """Float (tokens,), 0..1: the share of each cell's visible area inside the object."""
        if self.mask is None:
            return box_coverage(token_map, self.box)
        return mask_coverage(token_map, self.mask)

    def hits(self, token_map: TokenMap) -> NDArray[np.bool_]:
        """Bool (tokens,): whether the middle of a cell's visible part lies inside the object."""
        height, width = token_map.image_size
        boxes = np.concatenate([view.boxes for view in token_map.views])
        boxes = np.clip(boxes, 0, (width, height, width, height))
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = [contains(self.shape, (float(x), float(y))) for x, y in middles]
        return np.array(inside) & (visible_areas(token_map) > 0)


def target_of(sample: Sample, image_size: tuple[int, int]) -> Target:
    """The target of a sample, checked against its image.

    Args:
        sample: with a box, a mask, or both; a mask alone gives its tight box.
        image_size: (height, width) of its image, upright.

    Raises:
        BadSampleError: neither box nor mask, a mask of another size, or a box outside the image.
    """
    if sample.mask is not None:
        check_mask_size(sample.mask, image_size)
    box = sample.box
    if box is None:
        if sample.mask is None:
            raise BadSampleError(
                "The sample has neither box nor mask, so nothing can be verified on it."
            )
        box = tight_box(sample.mask)
    if box is None:
        raise BadSampleError("The mask of the sample is empty, so it names no object.")
    check_box_inside(box, image_size)
    return Target(box, sample.mask)
