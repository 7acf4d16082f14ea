"""How InternVL reads a clip: every frame one tile with its number in words before it.

A frame is stretched to the square of a tile, as its video processor does it. The tokens are those of
pictures; a token stands for a rectangle of one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_counts
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts
from vlmscope.models.layout.vision_towers import tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["InternVlClips", "internvl_tile"]


class InternVlClips(ClipReader):
    """Frames as pictures of one tile, which the model takes as pictures."""

    def token_id(self, hf: PreTrainedModel) -> int:
        return int(hf.config.image_token_id)

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.video_token)

    def clip_inputs(
        self,
        hf: PreTrainedModel,
        processor: Any,
        frames: Sequence[NDArray[np.uint8]],
        times: Sequence[float],
    ) -> ImageInputs:
        shown = [Image.fromarray(frame) for frame in frames]
        values = processor.image_processor(images=shown, return_tensors="pt", crop_to_patches=False)
        pixels = values["pixel_values"]
        tile = internvl_tile(hf, (int(pixels.shape[-2]), int(pixels.shape[-1])))
        written = str(processor.replace_video_token({"pixel_values_videos": [pixels]}, 0))
        expansion = Expansion.of(written, self.token(hf, processor))
        check_counts(expansion.tokens, len(frames) * tile.tokens)
        size = int(frames[0].shape[0]), int(frames[0].shape[1])
        [whole] = stretched_layouts(size, tile, (1, 1), thumbnail_first=False)
        layouts = tuple(
            replace(
                whole,
                offsets=whole.offsets + at * tile.tokens,
                picture=at,
                frames=(at, at + 1),
            )
            for at in range(len(frames))
        )
        kind = "squash" if squashed(size, (1, 1)) else "resize"
        return ImageInputs({"pixel_values": pixels}, expansion, layouts, kind, kind="video")


def internvl_tile(hf: PreTrainedModel, frame: tuple[int, int]) -> Tile:
    """The tokens of a tile of (height, width) pixels.

    Raises:
        ModelMismatchError: for a tile that cannot be shuffled into tokens.
    """
    _, patch = tower_sides(hf)
    factor = round(1 / hf.config.downsample_ratio)
    patches = frame[0] // patch
    if frame[0] != frame[1] or patches < 1 or patches % factor:
        raise ModelMismatchError(
            f"The processor makes tiles of {frame[0]}x{frame[1]} pixels = {patches}x{frame[1] // patch} "
            f"patches; the model takes squares whose patches per side are a multiple of {factor}. Load "
            "the processor that belongs to the model."
        )
    return Tile(frame[0], patches // factor, patch * factor)
