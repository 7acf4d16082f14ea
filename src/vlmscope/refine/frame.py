"""How an image lies in the square that SAM sees, and the way back from its masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vlmscope.errors import UnsupportedError

__all__ = ["MASK_THRESHOLD", "Frame", "RefinedMask", "check_finite", "refined_masks"]


MASK_THRESHOLD = 0.0
"""Masks are logits: above it, "on the object" is the likelier."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """One image in one canvas.

    SAM scales the long side to the canvas and pads at the bottom and on the right; SAM 2 and 3
    stretch both sides to it. Sides are rounded to whole pixels, so the two axes have ratios of
    their own in either case.

    Attributes:
        original: (height, width) of the image.
        resized: (height, width) that it has in the canvas, from the top left corner on.
        canvas: (height, width) of what the model sees.
        padded: whether the rest of the canvas is padding, which masks have to lose again.
    """

    original: Size
    resized: Size
    canvas: Size
    padded: bool

    def to_canvas(self, points: Sequence[tuple[float, float]]) -> Tensor:
        """Move points of the original image into the canvas.

        Args:
            points: (x, y) in float pixels of the original image, edges at whole numbers.

        Returns:
            float32 (points, 2), (x, y) in pixels of the canvas, unrounded: half a pixel is added
            inside SAM, as for every prompt that it was trained on.
        """
        # float64 until the last step: 7 digits are few for a corner of a large image
        ratio = torch.tensor(
            [self.resized[1] / self.original[1], self.resized[0] / self.original[0]],
            dtype=torch.float64,
        )
        return (torch.tensor(points, dtype=torch.float64).reshape(-1, 2) * ratio).float()

    def lay(self, masks: Tensor) -> Tensor:
        """Lay masks of the original image into the canvas, as the image itself lies there.

        Args:
            masks: (masks, height, width) of the original image, bool.

        Returns:
            float32 (masks, canvas height, canvas width), 0..1: the share of each pixel of the canvas
            that the mask covers. Bilinear and antialiased, so that an edge stays where it was; the
            padding is not covered.
        """
        shares = functional.interpolate(
            masks.float()[None], self.resized, mode="bilinear", align_corners=False, antialias=True
        )[0]
        below, right = (whole - part for whole, part in zip(self.canvas, self.resized, strict=True))
        return functional.pad(shares, (0, right, 0, below))

    def restore(self, logits: Tensor) -> Tensor:
        """Lay low-resolution logits over the original image.

        Bilinear: up to the canvas, without the padding, and on to the image. A stretched image
        has no padding and goes there at once.

        Args:
            logits: (masks, height, width) over the whole canvas, in any float type.

        Returns:
            float32 (masks, height, width) of the original image.
        """
        maps = logits.float()[None]
        if self.padded:
            maps = _resize(maps, self.canvas)[..., : self.resized[0], : self.resized[1]]
        return _resize(maps, self.original)[0]


def _resize(maps: Tensor, size: Size) -> Tensor:
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)


@dataclass(frozen=True, eq=False)
class RefinedMask:
    """The mask that SAM makes of one prompt.

    Attributes:
        mask: bool (height, width) of the original image.
        score: the IoU with the object that SAM predicts for this mask, not bounded to 0..1.
        chosen: index of the mask among those that SAM gave.
        count: how many it gave.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    score: float
    chosen: int
    count: int


def refined_masks(name: str, output: Any, frame: Frame) -> Iterator[RefinedMask]:
    """The best mask of every object, laid over the image.

    Args:
        name: of the model, for messages.
        output: of a SAM for one image: ``pred_masks`` (1, objects, masks, height, width), logits
            over the whole canvas, and ``iou_scores`` (1, objects, masks); or (objects, 1, ...) where
            each object went through with an embedding of its own.
        frame: how the image lies in the canvas.

    Raises:
        UnsupportedError: values that are not finite.
    """
    logits, scores = output.pred_masks.flatten(0, 1), output.iou_scores.flatten(0, 1).float()
    check_finite(name, logits, scores)
    for maps, rating in zip(logits, scores, strict=True):
        chosen = int(rating.argmax())
        # only the mask that is kept is laid over the image, which may be large
        full = frame.restore(maps[chosen : chosen + 1])[0] > MASK_THRESHOLD
        yield RefinedMask(full.cpu().numpy(), float(rating[chosen]), chosen, len(rating))


def check_finite(name: str, logits: Tensor, scores: Tensor) -> None:
    """Refuse what a SAM gave where its precision overflowed.

    Raises:
        UnsupportedError: values that are not finite.
    """
    if not (torch.isfinite(logits).all() and torch.isfinite(scores).all()):
        raise UnsupportedError(
            f"{name} gave values that are not finite in {logits.dtype}. Load it with "
            "dtype='float32'."
        )
