"""How LLaVA-NeXT-Video and Video-LLaVA read a clip: every frame cropped around its middle.

A frame is resized by its shorter side and its middle square cut out, as their video processors do it; what
lies beside the square is not seen. A token stands for a rectangle of one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.vision_towers import has_class_token, tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ClassTokenClips", "CroppedClips", "PooledClips"]

# what a picture's processor and a clip's have in common
_SETTINGS = (
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
)


class CroppedClips(ClipReader):
    """Frames of one square each, with the settings of the family's own image processor."""

    def stride(self, hf: PreTrainedModel) -> int:
        """Patches of a token's side."""
        return 1

    def leading(self, hf: PreTrainedModel) -> int:
        """Tokens in front of each frame's grid that stand for no place."""
        return 0

    def clip_inputs(
        self,
        hf: PreTrainedModel,
        processor: Any,
        frames: Sequence[NDArray[np.uint8]],
        times: Sequence[float],
    ) -> ImageInputs:
        images = _cropping(processor.image_processor)
        fitted = [fit_image(frame, images, "processor") for frame in frames]
        shown = [Image.fromarray(each.pixels) for each in fitted]
        values = images(images=shown, return_tensors="pt")["pixel_values"]
        side, patch = tower_sides(hf)
        _check_size((int(values.shape[-2]), int(values.shape[-1])), side)
        stride, leading = self.stride(hf), self.leading(hf)
        cells = side // patch // stride
        y, x = fitted[0].edges((cells, cells), patch * stride)
        each = leading + cells**2
        layouts = tuple(
            GridLayout("image", np.arange(cells**2) + at * each + leading, y, x, at, (at, at + 1))
            for at in range(len(frames))
        )
        expansion = Expansion.run(self.token(hf, processor), len(frames) * each)
        tensors = {"pixel_values_videos": values[None]}
        return ImageInputs(tensors, expansion, layouts, fitted[0].placement, kind="video")


class PooledClips(CroppedClips):
    """LLaVA-NeXT-Video: the tower's tokens pooled in squares."""

    def stride(self, hf: PreTrainedModel) -> int:
        return int(hf.config.spatial_pool_stride)


class ClassTokenClips(CroppedClips):
    """Video-LLaVA: the tower's class token is kept in front of every frame's patches."""

    def leading(self, hf: PreTrainedModel) -> int:
        return int(has_class_token(hf))


def _cropping(images: Any) -> Any:
    """An image processor that resizes, crops and normalises, with the settings of another."""
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(**{name: getattr(images, name) for name in _SETTINGS})


def _check_size(size: tuple[int, int], side: int) -> None:
    if size != (side, side):
        raise ModelMismatchError(
            f"The processor makes frames of {size[0]}x{size[1]} pixels, the model's vision tower takes "
            f"{side}x{side}. Load the processor that belongs to the model."
        )
