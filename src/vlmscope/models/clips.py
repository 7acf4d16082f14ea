"""A clip that a model reads as a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import UnsupportedError
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.placement import shrink

__all__ = ["fit_clip", "reads_video"]


def reads_video(model: LoadedModel) -> bool:
    """Whether it is known how the model reads a clip as a video."""
    return model.family.clips is not None


def fit_clip(
    model: LoadedModel, frames: Sequence[NDArray[np.uint8]], times: Sequence[float]
) -> ImageInputs:
    """The frames of a clip as the model takes a video.

    Args:
        model: the model; its ``max_side`` counts for every frame.
        frames: uint8 (height, width, 3) each, all of one size.
        times: seconds, ascending, one for each.

    Raises:
        UnsupportedError: a family that is not known to read videos.
    """
    reader = model.family.clips
    if reader is None:
        instead = (
            "Show it the frames as several pictures of one prompt: way='pictures' (--way pictures)."
            if model.family.many_images
            else "It takes one picture per prompt: ground the frames one by one."
        )
        raise UnsupportedError(
            f"{model.id} (family {model.family.id!r}) is not read with videos here. {instead}"
        )
    smaller = [shrink(frame, model.max_side) for frame in frames]
    pixels, (_, y, x) = [each[0] for each in smaller], smaller[0]
    fitted = reader.clip_inputs(model.hf, model.processor, pixels, times)
    notes = tuple(dict.fromkeys(n for frame in frames for n in model.card.picture_notes(frame)))
    if pixels[0] is frames[0]:
        return replace(fitted, notes=notes)
    layouts = tuple(
        replace(each, y_edges=y.to_original(each.y_edges), x_edges=x.to_original(each.x_edges))
        for each in fitted.layouts
    )
    return replace(fitted, layouts=layouts, notes=notes)
