"""What DeepSeek-VL and Janus share: one fixed square, which their processors pad to by themselves.

The longer side is brought to the square's side, the shorter one keeps the ratio (but never falls below
``min_size``), and the rest is filled with the mean colour on both sides. Tokens of the borders are image
tokens like all others: their rectangles lie outside the original image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.vision_towers import check_tower, tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["PaddedSquareFamily", "check_side", "padded_square"]


class PaddedSquareFamily(Family):
    """A vision tower for one square, behind a processor that resizes the longer side and pads.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes whose geometry is known, by the start of their name.
        tower: type of the vision tower, one token per patch and none beside.
    """

    processor_class: str
    image_processors: tuple[str, ...]
    tower: str
    limits: tuple[str, ...] = (
        "one square grid: the processor pads, so tokens on the borders show nothing",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, self.image_processors)
        check_tower(hf, (self.tower,))
        images = processor.image_processor
        if not (images.do_resize and images.do_pad):
            raise ModelMismatchError(
                f"{type(images).__name__} has do_resize={images.do_resize}, do_pad={images.do_pad}; the "
                "model takes one square, so both are needed. Set them to True."
            )
        # a processor of another image size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        side, patch = tower_sides(hf)
        cells = side // patch
        y, x = self.axes(images, (int(pixels.shape[0]), int(pixels.shape[1])))
        check_side(values["pixel_values"], int(images.size["height"]), side)
        check_counts(expansion.tokens, cells**2)
        edges = np.arange(cells + 1, dtype=np.float64) * patch
        layout = GridLayout(
            "image", np.arange(cells**2), y.to_original(edges), x.to_original(edges)
        )
        tensors = {name: values[name] for name in images.model_input_names if name in values}
        return ImageInputs(tensors, expansion, (layout,), _done(pixels.shape, y, x))

    def axes(self, images: Any, size: tuple[int, int]) -> tuple[Axis, Axis]:
        """Original -> processed pixels of the square that the grid lies on, (y, x).

        Args:
            images: the image processor.
            size: (height, width) of the original.
        """
        y, x, _ = padded_square(size, int(images.size["height"]), int(images.min_size))
        return y, x


def padded_square(size: tuple[int, int], side: int, least: int) -> tuple[Axis, Axis, int]:
    """Resize the longer side to ``side`` and pad the shorter one to a square.

    Args:
        size: (height, width) in pixels.
        side: of the square.
        least: no side becomes shorter than that.

    Returns:
        Axes (y, x), and the side of the square that comes out: larger than ``side`` only where
        ``least`` is.
    """
    scale = side / max(size)
    new = [max(round(length * scale), least) for length in size]
    square = max(new)
    y, x = (
        Axis(after / before, float((square - after) // 2))
        for before, after in zip(size, new, strict=True)
    )
    return y, x, square


def check_side(values: Tensor, computed: int, wanted: int) -> None:
    """Raise ModelMismatchError unless images (..., height, width) are squares as computed and wanted."""
    made = tuple(int(length) for length in values.shape[-2:])
    if made != (computed, computed) or computed != wanted:
        raise ModelMismatchError(
            f"The processor makes {made[0]}x{made[1]} pixels (its settings say {computed}x{computed}), "
            f"the model takes {wanted}x{wanted}. Load the processor that belongs to the model."
        )


def _done(shape: tuple[int, ...], y: Axis, x: Axis) -> str:
    """What happened to the image."""
    if abs(y.scale / x.scale - 1) > 0.02:
        return "squash"
    return "resize" if shape[0] == shape[1] else "pad"
