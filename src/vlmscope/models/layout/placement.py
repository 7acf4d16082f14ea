"""How an image is fitted into the model's input, and back: processed pixels -> original pixels.

The processor in hand decides (resize, shortest edge + centre crop, pad); this file predicts what it
will do from its settings, so that every image token's rectangle of ORIGINAL pixels is known. The
prediction is checked against the size of what the processor returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import ModelMismatchError, UnknownNameError

__all__ = ["PLACEMENTS", "Axis", "FittedImage", "fit_image", "shrink", "size_mapping"]

PLACEMENTS = ("pad", "processor")

# Beyond this ratio of sides most of the picture is either padding or cut off by a centre crop, and
# a literal pad or shortest-edge resize would need gigabytes (20000x20 becomes 336000x336).
_MAX_ASPECT = 8
_MAX_PADDED_SIDE = 4096


@dataclass(frozen=True)
class Axis:
    """``processed = original * scale + offset`` along one axis, in pixels."""

    scale: float
    offset: float

    def to_original(self, processed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Processed coordinates to original ones."""
        return (processed - self.offset) / self.scale

    def then(self, scale: float, offset: float) -> Axis:
        """The same axis after a further resize by ``scale`` and shift by ``offset``."""
        return Axis(self.scale * scale, self.offset * scale + offset)


@dataclass(frozen=True, eq=False)
class FittedImage:
    """What is handed to the image processor, and the geometry of what it will return.

    Attributes:
        pixels: uint8 (height, width, 3), padded or pre-cropped as the placement asks.
        size: (height, width) in pixels that the processor will return.
        y, x: original -> processed pixels.
        placement: what happened: ``"pad"``, ``"crop"``, ``"squash"`` (aspect ratio changed) or
            ``"resize"``.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    y: Axis
    x: Axis
    placement: str

    def edges(
        self, cells: tuple[int, int], patch: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Original-pixel edges of a regular (rows, columns) grid.

        Args:
            cells: rows and columns.
            patch: side of a cell in processed pixels, where the grid may end short of the image (27
                patches of 14 cover 378 of 384 pixels); None: the grid covers all of it.
        """
        rows, columns = cells
        height, width = self.size if patch is None else (rows * patch, columns * patch)
        y = self.y.to_original(np.linspace(0, height, rows + 1))
        x = self.x.to_original(np.linspace(0, width, columns + 1))
        return y, x


def fit_image(pixels: NDArray[np.uint8], processor: Any, placement: str) -> FittedImage:
    """Fit an image for a resize / crop / normalise image processor.

    Args:
        pixels: uint8 (height, width, 3), the original.
        processor: an image processor of transformers with the usual settings.
        placement: ``"pad"``: centred on a square of the processor's mean colour first, so that
            nothing is cut off; ``"processor"``: whatever the processor does by itself.

    Raises:
        UnknownNameError: for any other placement.
        ModelMismatchError: when the processor has settings whose geometry is not known.
    """
    if placement not in PLACEMENTS:
        raise UnknownNameError("placement", placement, PLACEMENTS)
    y, x = Axis(1.0, 0.0), Axis(1.0, 0.0)
    padded = placement == "pad" or bool(getattr(processor, "do_pad", False))
    if padded:
        pixels, y, x = _pad_to_square(pixels, getattr(processor, "image_mean", None))
    elif getattr(processor, "do_center_crop", False):
        pixels, y, x = _trim_long_side(pixels)
    size, y, x = _after_resize(pixels.shape[:2], y, x, processor)
    size, y, x, cropped = _after_crop(size, y, x, processor)
    changed_ratio = abs(y.scale / x.scale - 1) > 0.02
    kind = "crop" if cropped else "squash" if changed_ratio else "resize"
    # a square that is neither cut nor distorted keeps the name of what made it a square
    done = "pad" if padded and not cropped and not changed_ratio else kind
    return FittedImage(pixels, size, y, x, done)


def _pad_to_square(pixels: NDArray[np.uint8], mean: Any) -> tuple[NDArray[np.uint8], Axis, Axis]:
    pixels, y, x = shrink(pixels, _MAX_PADDED_SIDE)
    height, width = pixels.shape[:2]
    if height == width:
        return pixels, y, x
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    colour = np.array(mean if mean is not None else (0.0, 0.0, 0.0), dtype=np.float64) * 255
    canvas = np.empty((side, side, 3), dtype=np.uint8)
    canvas[:] = colour.astype(np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas, y.then(1.0, top), x.then(1.0, left)


def shrink(pixels: NDArray[np.uint8], side: int | None) -> tuple[NDArray[np.uint8], Axis, Axis]:
    """Bring the longer side down to ``side``; the same array where nothing is to be done.

    Padding a giant to a square would not fit in memory, and dynamic resolution makes more tokens of
    it than a context holds.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    if side is None or max(height, width) <= side:
        return pixels, Axis(1.0, 0.0), Axis(1.0, 0.0)
    scale = side / max(height, width)
    new = max(1, round(height * scale)), max(1, round(width * scale))
    image = Image.fromarray(pixels).resize((new[1], new[0]), Image.Resampling.LANCZOS)
    return np.asarray(image), Axis(new[0] / height, 0.0), Axis(new[1] / width, 0.0)


def _trim_long_side(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Axis, Axis]:
    """Cut away what a centre crop would cut away anyway, when the rest would not fit in memory."""
    height, width = pixels.shape[:2]
    keep = _MAX_ASPECT * min(height, width)
    top, left = max(0, (height - keep) // 2), max(0, (width - keep) // 2)
    trimmed = pixels[top : top + min(height, keep), left : left + min(width, keep)]
    return np.ascontiguousarray(trimmed), Axis(1.0, -top), Axis(1.0, -left)


def _after_resize(
    size: tuple[int, int], y: Axis, x: Axis, processor: Any
) -> tuple[tuple[int, int], Axis, Axis]:
    if not getattr(processor, "do_resize", True):
        return size, y, x
    new = _resized(size, size_mapping(getattr(processor, "size", None)), type(processor).__name__)
    return new, y.then(new[0] / size[0], 0.0), x.then(new[1] / size[1], 0.0)


def _resized(size: tuple[int, int], target: Mapping[str, int], name: str) -> tuple[int, int]:
    height, width = size
    if set(target) == {"shortest_edge"}:
        short = target["shortest_edge"]
        # the longer side is truncated, not rounded, by both backends of transformers
        if height <= width:
            return short, int(short * width / height)
        return int(short * height / width), short
    if set(target) == {"height", "width"}:
        return target["height"], target["width"]
    raise ModelMismatchError(
        f"The image processor {name} resizes by {dict(target)}, whose geometry vlmscope does not "
        "know. Known: {'shortest_edge'} and {'height', 'width'}. Load the processor that belongs to "
        "the model."
    )


def _after_crop(
    size: tuple[int, int], y: Axis, x: Axis, processor: Any
) -> tuple[tuple[int, int], Axis, Axis, bool]:
    if not getattr(processor, "do_center_crop", False):
        return size, y, x, False
    crop = size_mapping(getattr(processor, "crop_size", None))
    new = crop["height"], crop["width"]
    offsets = [_crop_offset(before, after) for before, after in zip(size, new, strict=True)]
    cut = any(before > after for before, after in zip(size, new, strict=True))
    return new, y.then(1.0, -offsets[0]), x.then(1.0, -offsets[1]), cut


def _crop_offset(before: int, after: int) -> int:
    """First processed pixel that is kept; negative where a small image is padded instead."""
    return (before - after) // 2


def size_mapping(size: Any) -> dict[str, int]:
    """A transformers size (a dict or a SizeDict with None for what is not set) as a plain dict."""
    if size is None:
        return {}
    items = size.items() if isinstance(size, Mapping) else vars(size).items()
    return {key: int(value) for key, value in items if value is not None}
