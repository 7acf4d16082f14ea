"""How LLaVA-OneVision reads a clip: every frame squashed to the tower's square, its tokens halved.

The tower's tokens of a frame are resampled to half as many per side, and one newline token ends the clip.
A token stands for a rectangle of one frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["OnevisionClips"]


class OnevisionClips(ClipReader):
    """Frames without tiles, through the family's own image processor."""

    def clip_inputs(
        self,
        hf: PreTrainedModel,
        processor: Any,
        frames: Sequence[NDArray[np.uint8]],
        times: Sequence[float],
    ) -> ImageInputs:
        height, width = (int(size) for size in frames[0].shape[:2])
        vision = hf.config.vision_config
        side, patch = int(vision.image_size), int(vision.patch_size)
        across = side // patch
        cells = math.ceil(across / 2)
        # each frame alone has a thumbnail, which is the whole frame on one tile, in front of its tiles
        tiles = [_thumbnail(processor.image_processor, frame) for frame in frames]
        tensors = {"pixel_values_videos": torch.from_numpy(np.stack(tiles)[None])}
        seen = (
            across * patch / side
        )  # the tower drops what is no whole patch, on the right and below
        y, x = (np.linspace(0.0, length * seen, cells + 1) for length in (height, width))
        layouts = tuple(
            GridLayout("image", np.arange(cells**2) + at * cells**2, y, x, at, (at, at + 1))
            for at in range(len(frames))
        )
        token = self.token(hf, processor)
        expansion = Expansion.run(token, len(frames) * cells**2 + 1)
        return ImageInputs(tensors, expansion, layouts, "squash", kind="video")


def _thumbnail(images: Any, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = images(images=[Image.fromarray(frame)], return_tensors="np")["pixel_values"]
    tile: NDArray[np.float32] = np.asarray(values[0][0], dtype=np.float32)
    return tile
