"""An image after SAM's encoder: prepared once, prompted any number of times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.refine.frame import Frame

__all__ = ["Embedded", "digest_of", "prepare"]


@dataclass(frozen=True, eq=False)
class Embedded:
    """An image after SAM's encoder, ready for any number of prompts.

    Attributes:
        model: name of the refiner that made it.
        digest: of the pixels, by which Groundings of this image are known.
        frame: how the image lies in what the model sees.
        features: as the model returns them: one tensor, or one for each resolution.
    """

    model: str
    digest: str
    frame: Frame
    features: Any = field(repr=False)


def prepare(name: str, hf: Any, images: Any, pixels: NDArray[np.uint8]) -> tuple[Tensor, Frame]:
    """An image as a SAM takes it, and how it lies in there.

    Args:
        name: of the model, for messages.
        hf: the model.
        images: its image processor.
        pixels: uint8 (height, width, 3).

    Returns:
        float32 (1, 3, canvas height, canvas width), and the frame.

    Raises:
        BadImageError: an image so narrow that nothing is left of its short side.
        ModelMismatchError: the processor makes images of another size than the model takes.
    """
    _check_narrow(name, images, pixels)
    # said, not guessed: an image three pixels high looks like one with channels first
    inputs = images(images=[pixels], return_tensors="pt", input_data_format="channels_last")
    values = inputs["pixel_values"]
    canvas, size = _pair(values.shape[-2:]), _pair(hf.prompt_encoder.input_image_size)
    if canvas != size:
        raise ModelMismatchError(
            f"The processor makes images of {canvas[0]}x{canvas[1]} pixels, but {name} takes "
            f"{size[0]}x{size[1]}: they were made for different models. Load the processor of the "
            "same checkpoint."
        )
    padded = "reshaped_input_sizes" in inputs
    resized = _pair(inputs["reshaped_input_sizes"][0]) if padded else canvas
    return values, Frame(_pair(pixels.shape), resized, canvas, padded)


def _check_narrow(name: str, images: Any, pixels: NDArray[np.uint8]) -> None:
    longest = getattr(images.size, "longest_edge", None)
    height, width = pixels.shape[:2]
    if longest and int(min(height, width) * longest / max(height, width) + 0.5) < 1:
        raise BadImageError(
            f"The image has height {height} and width {width}: with its long side at {longest} "
            f"pixels, as {name} takes it, nothing is left of the other. Crop it."
        )


def digest_of(pixels: NDArray[np.uint8]) -> str:
    """A name for the content of an image: equal pixels, equal digests."""
    digest = hashlib.blake2b(str(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _pair(size: Any) -> tuple[int, int]:
    """(height, width) of the first two sides; one number stands for both."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
