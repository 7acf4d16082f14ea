"""What SAM answers to a prompt, as a mask on the original image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.errors import UnsupportedError
from vlmscope.refine.frame import Frame
from vlmscope.types import Box

__all__ = ["Answer", "box_around", "read_answers"]

_MASK_THRESHOLD = 0.0  # masks are logits: above it, "on the object" is the likelier


@dataclass(frozen=True, eq=False)
class Answer:
    """What SAM answers to one prompt.

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


def read_answers(name: str, output: Any, frame: Frame) -> Iterator[Answer]:
    """The best mask of every object, laid over the image.

    Args:
        name: of the model, for messages.
        output: of a SAM for one image: ``pred_masks`` (1, objects, masks, height, width), logits
            over the whole canvas, and ``iou_scores`` (1, objects, masks).
        frame: how the image lies in the canvas.

    Raises:
        UnsupportedError: values that are not finite.
    """
    logits, scores = output.pred_masks[0], output.iou_scores[0].float()
    if not (torch.isfinite(logits).all() and torch.isfinite(scores).all()):
        raise UnsupportedError(
            f"{name} gave values that are not finite in {logits.dtype}. Load it with "
            "dtype='float32'."
        )
    for maps, rating in zip(logits, scores, strict=True):
        chosen = int(rating.argmax())
        # only the mask that is kept is laid over the image, which may be large
        full = frame.restore(maps[chosen : chosen + 1])[0] > _MASK_THRESHOLD
        yield Answer(full.cpu().numpy(), float(rating[chosen]), chosen, len(rating))


def box_around(mask: NDArray[np.bool_]) -> Box | None:
    """xyxy around a bool (height, width) mask, right and lower edges exclusive; None if empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
