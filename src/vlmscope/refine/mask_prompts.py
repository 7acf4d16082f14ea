"""Masks as the low-resolution logits that prompt SAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vlmscope.refine.frame import Frame
from vlmscope.refine.prompts import Subject

__all__ = ["MASK_LOGIT", "mask_logits", "mask_tensor"]

MASK_LOGIT = 10.0
"""How sure a mask prompt is of its pixels, see :func:`mask_logits`."""


def mask_tensor(subjects: Sequence[Subject], frame: Frame, encoder: Any) -> Tensor:
    """The masks of several subjects in one image as prompts, one object each.

    Args:
        subjects: of the image of ``frame``.
        frame: how the image lies in the canvas.
        encoder: the prompt encoder of a SAM.

    Returns:
        (objects, 1, height, width), logits in the encoder's own dtype and on its device. A mask is
        added to the embedding of the image, so that each object needs an embedding of its own.
    """
    # the encoder of masks halves them twice, and what comes out lies on the grid of the image
    height, width = encoder.image_embedding_size
    size = 4 * height, 4 * width
    weight = encoder.mask_embed.conv1.weight
    # one by one: a mask has the size of its image, which may be large
    masks = (torch.from_numpy(np.ascontiguousarray(each.mask))[None] for each in subjects)
    logits = torch.stack([mask_logits(mask, frame, size) for mask in masks])
    return logits.to(weight.device, weight.dtype)


def mask_logits(masks: Tensor, frame: Frame, size: tuple[int, int]) -> Tensor:
    """Masks of the original image as the logits that SAM takes for a dense prompt.

    A cell's logit is 20 x share - 10, the share being how much of the cell the mask covers: +10 on
    the object (a probability of 0.99995), -10 off it, 0 on its edge, where SAM's own logits have
    their edge too. It is how SAM 2 and 3 write down a mask that they are given for a frame of a
    video. SAM 1 was trained on the logits of its previous answer, which have no fixed scale; after
    the first convolution each cell is normalised over its channels, which takes most of a scale away.
    Nothing lies on the padding: -10.

    Args:
        masks: bool (masks, height, width) of the original image.
        frame: how the image lies in the canvas.
        size: (height, width) of the logits, over the whole canvas.

    Returns:
        float32 (masks, height, width).
    """
    shares = functional.interpolate(frame.lay(masks)[None], size, mode="area")[0]
    return (2 * shares - 1) * MASK_LOGIT
