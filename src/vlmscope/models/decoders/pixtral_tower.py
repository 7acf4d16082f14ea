"""What models with a Pixtral tower share: any resolution, one grid of tokens as wide as the image.

An image keeps its ratio and is made smaller until both sides are within the processor's limit, then
stretched to the next multiple of a token's pixels, so each token stands for a rectangle of the original
and nothing is padded or cut off. A batch is filled up with zeros on the right and below, which the
tower leaves out again.
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
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.vision_towers import check_tower
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["PixtralTowerFamily"]


class PixtralTowerFamily(Family):
    """A Pixtral tower, a projector that may merge squares of patches, any causal decoder.

    Attributes:
        processor_class: of transformers, named in errors.
    """

    processor_class: str

    def merge(self, hf: PreTrainedModel) -> int:
        """Patches per token along one axis."""
        return int(hf.config.spatial_merge_size)

    def cell(self, hf: PreTrainedModel) -> int:
        """Pixels of the fitted image per token, along one axis."""
        return int(hf.config.vision_config.patch_size) * self.merge(hf)

    def image_options(self, hf: PreTrainedModel) -> dict[str, Any]:
        """What the whole processor tells its image processor: sides are multiples of a token's."""
        return {"patch_size": {"height": self.cell(hf), "width": self.cell(hf)}}

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tower(hf, ("pixtral",))
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("PixtralImageProcessor",))
        self._check_settings(hf, processor)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        _check_ratio((height, width), processor.image_processor)
        values = processor.image_processor(
            images=[Image.fromarray(pixels)], return_tensors="pt", **self.image_options(hf)
        )
        tall, wide = (int(side) for side in values["image_sizes"][0])
        cell = self.cell(hf)
        rows, columns = tall // cell, wide // cell
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, rows * columns)
        layout = GridLayout(
            "image",
            np.arange(rows * columns),
            np.linspace(0.0, rows * cell * height / tall, rows + 1),
            np.linspace(0.0, columns * cell * width / wide, columns + 1),
        )
        squashed = abs((tall / height) / (wide / width) - 1) > 0.02
        tensors = {name: values[name] for name in ("pixel_values", "image_sizes")}
        return ImageInputs(tensors, expansion, (layout,), "squash" if squashed else "resize")

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Images filled up with zeros on the right and below to the largest height and width."""
        flat = [image.tensors for images in items for image in images]
        pixels = [each["pixel_values"] for each in flat]
        height, width = (max(each.shape[axis] for each in pixels) for axis in (-2, -1))
        whole = pixels[0].new_zeros((len(pixels), pixels[0].shape[1], height, width))
        for row, each in enumerate(pixels):
            whole[row, :, : each.shape[-2], : each.shape[-1]] = each[0]
        return {
            "pixel_values": whole,
            "image_sizes": torch.cat([each["image_sizes"] for each in flat]),
        }

    def _check_settings(self, hf: PreTrainedModel, processor: Any) -> None:
        """Raise ModelMismatchError unless processor and model mean the same tokens."""
        patch, merge = int(hf.config.vision_config.patch_size), self.merge(hf)
        theirs = int(processor.patch_size), int(processor.spatial_merge_size)
        if theirs != (patch, merge):
            raise ModelMismatchError(
                f"The processor counts tokens of {theirs[1]}x{theirs[1]} patches of {theirs[0]} pixels, "
                f"the model makes them of {merge}x{merge} patches of {patch} pixels (patch_size, "
                "spatial_merge_size). Load the processor that belongs to the model."
            )
        images = processor.image_processor
        if not images.do_resize or getattr(images, "do_center_crop", False):
            raise ModelMismatchError(
                f"The image processor has do_resize={images.do_resize} and do_center_crop="
                f"{bool(images.do_center_crop)}; this model was made for images that are resized and "
                "never cropped. Load the processor that belongs to the model."
            )


def _check_ratio(size: tuple[int, int], images: Any) -> None:
    """Raise BadImageError for an image of (height, width) whose shorter side would vanish."""
    limit = images.size
    most = (
        [limit["longest_edge"]] * 2 if limit["longest_edge"] else [limit["height"], limit["width"]]
    )
    ratio = max(side / end for side, end in zip(size, most, strict=True))
    if min(size) < ratio:
        raise BadImageError(
            f"An image of {size[0]}x{size[1]} pixels (height x width) is too narrow for this model: "
            f"made to fit {most[0]}x{most[1]} its shorter side is less than a pixel. Crop it."
        )
