"""Apertus 1.5: the picture becomes codes of a list, one for each cell of 16x16 pixels, embedded as words are.

The encoder of a VQ-GAN makes them: convolutions that see beyond the cell, norms and attention over the whole
image, and the entry of a codebook with the largest product. An end-of-line token stands between rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ApertusFamily"]

# the image processor's own limit
_MAX_ASPECT = 200


class ApertusFamily(Family):
    """``Apertus1p5ForConditionalGeneration`` of transformers, reading pictures and no sounds."""

    id = "apertus-1.5"
    model_types = ("apertus1p5",)
    checkpoints = (Checkpoint("swiss-ai/Apertus-v1.5-8B", "8B", "unknown"),)
    torchvision = True
    limits = (
        "an image token is one of 131072 codes, so small changes of the picture may change nothing",
        "codes of a model in half precision are those of a picture in half precision",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Apertus1p5Processor")
        check_image_class(processor, ("Apertus1p5ImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        theirs, cell = int(processor.image_processor.spatial_factor), _cell(hf)
        if theirs != cell or not processor.image_processor.do_resize:
            raise ModelMismatchError(
                f"The image processor has spatial_factor={theirs} and do_resize="
                f"{processor.image_processor.do_resize}; the model makes a code of {cell}x{cell} pixels of "
                "images that were stretched to whole codes. Load the processor that belongs to the model."
            )

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        if max(height, width) > _MAX_ASPECT * min(height, width):
            raise BadImageError(
                f"An image of {height}x{width} pixels (height x width) is too narrow for this family, which "
                f"takes sides of up to 1:{_MAX_ASPECT}. Crop it."
            )
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        sizes = torch.as_tensor(values["image_sizes"])
        rows, columns = (int(side) // _cell(hf) for side in sizes[0])
        written = str(processor.replace_image_token({"image_sizes": sizes}, 0))
        expansion = Expansion.of(written, self.placeholder(hf, processor))
        check_counts(expansion.tokens, rows * columns)
        layout = GridLayout(
            "image",
            np.arange(rows * columns),
            np.linspace(0.0, height, rows + 1),
            np.linspace(0.0, width, columns + 1),
        )
        squashed = abs((rows / height) / (columns / width) - 1) > 0.02
        tensors = {"pixel_values": values["pixel_values"], "image_sizes": sizes}
        return ImageInputs(tensors, expansion, (layout,), "squash" if squashed else "resize")

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Every image, filled up with zeros to the largest; the model reads each at its own size."""
        flat = [image.tensors for images in items for image in images]
        sizes = torch.cat([each["image_sizes"] for each in flat])
        height, width = (int(side) for side in sizes.amax(0))
        whole = flat[0]["pixel_values"].new_zeros((len(flat), 3, height, width))
        for row, each in enumerate(flat):
            values = each["pixel_values"][0]
            whole[row, :, : values.shape[-2], : values.shape[-1]] = values
        return {"pixel_values": whole, "image_sizes": sizes}


def _cell(hf: PreTrainedModel) -> int:
    """Side of a code's square, in pixels."""
    return int(hf.config.vision_config.spatial_scale_factor)
