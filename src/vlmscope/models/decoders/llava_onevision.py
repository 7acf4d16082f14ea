"""LLaVA-OneVision: the squashed image, then tiles; tokens of too many tiles are resampled.

Several images in one prompt are not cut into tiles: each is padded to a square.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.onevision_clips import OnevisionClips
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.anyres import AnyresFamily, anyres_image
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import check_counts
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["LlavaOnevisionFamily"]


class LlavaOnevisionFamily(AnyresFamily):
    """``LlavaOnevisionForConditionalGeneration`` of transformers."""

    id = "llava-onevision"
    model_types = ("llava_onevision",)
    checkpoints = (
        Checkpoint("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "0.9B", "Apache-2.0"),
        Checkpoint("llava-hf/llava-onevision-qwen2-7b-ov-hf", "8B", "Apache-2.0"),
    )
    format_hints = (FormatHint("llava-hf/llava-onevision-qwen2-7b-ov-hf", model_type="llava_qwen"),)
    processor_class = "LlavaOnevisionProcessor"
    image_processors = ("LlavaOnevisionImageProcessor",)
    clips = OnevisionClips()
    limits = (
        "tokens of more tiles than vision_aspect_ratio allows are resampled: each then blends up to "
        "2x2 neighbours and also shows a little of what lies next to its rectangle",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        ratio = hf.config.vision_aspect_ratio
        if not re.fullmatch(r"anyres_max_[1-9]\d*", str(ratio)):
            raise UnsupportedError(
                f"vision_aspect_ratio={ratio!r} is not known; known is 'anyres_max_N'. Where image tokens "
                "lie is not known, so nothing is guessed."
            )
        if getattr(processor, "vision_aspect_ratio", ratio) != ratio:
            raise ModelMismatchError(
                f"The processor counts image tokens by {processor.vision_aspect_ratio!r}, the model "
                f"makes them by {ratio!r} (vision_aspect_ratio). Load the processor that belongs to the "
                "model."
            )
        super().check(hf, processor)

    def most_tiles(self, hf: PreTrainedModel) -> int:
        return int(str(hf.config.vision_aspect_ratio).rsplit("_", 1)[1])

    def one_of_several(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        """One tile: the image padded to a square around its middle, and a newline token."""
        # the image processor leaves tiles out only where it sees that there are several images
        other = Image.new("RGB", (8, 8))
        values = processor.image_processor(
            images=[[Image.fromarray(pixels), other]], return_tensors="pt", do_pad=True
        )
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        tile = anyres_image(hf, (height, width)).tile
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, tile.tokens + 1)
        longest = max(height, width)
        axes = [
            Axis(tile.side / longest, (longest - side) // 2 * tile.side / longest)
            for side in (height, width)
        ]
        y, x = (axis.to_original(tile.edges(1)) for axis in axes)
        layout = GridLayout("image", np.arange(tile.tokens), y, x)
        tensors = {name: values[name][:1] for name in ("pixel_values", "image_sizes")}
        return ImageInputs(tensors, expansion, (layout,), "pad")

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """As in its parent; the model is also told how many images each prompt holds."""
        joined = super().join(items)
        if items[0][0].kind == "video":
            return joined
        return {**joined, "batch_num_images": torch.tensor([len(i) for i in items])}
