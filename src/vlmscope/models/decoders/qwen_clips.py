"""How Qwen-VL reads a clip: patches of two frames, merged 2x2 in space, in rows of time.

A token of a clip stands for a rectangle of two frames that follow each other; the last frame of an odd
number is shown twice. Frames go through the family's image processor, whose patches repeat one frame;
here they are put together of two, as the video processor does it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadImageError
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import check_counts
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Qwen3Clips", "Qwen25Clips", "QwenClips", "clip_size", "patches_in_time"]

_MAX_ASPECT = 200  # transformers' own limit


class QwenClips(ClipReader):
    """Qwen2-VL: steps of time are told by their positions alone, one apart."""

    def text(self, hf: PreTrainedModel, processor: Any) -> str:
        start, end = self._delimiters(hf, processor)
        return f"{start}{self.token(hf, processor)}{end}"

    def clip_inputs(
        self,
        hf: PreTrainedModel,
        processor: Any,
        frames: Sequence[NDArray[np.uint8]],
        times: Sequence[float],
    ) -> ImageInputs:
        vision = hf.config.vision_config
        depth, merge = int(vision.temporal_patch_size), int(vision.spatial_merge_size)
        values = self._checked(processor.image_processor, frames)
        rows, columns = (int(size) for size in values["image_grid_thw"][0, 1:])
        patches = patches_in_time(
            values["pixel_values"], len(frames), depth, int(vision.in_channels)
        )
        steps = -(-len(frames) // depth)
        check_counts(steps * rows * columns, len(patches))
        tensors = {
            "pixel_values_videos": patches,
            "video_grid_thw": torch.tensor([[steps, rows, columns]]),
            **self.timing(times, depth),
        }
        spans = [(step * depth, min((step + 1) * depth, len(frames))) for step in range(steps)]
        grid = rows // merge, columns // merge
        expansion = self.expansion(
            hf, processor, grid[0] * grid[1], [self.moment(times, span) for span in spans]
        )
        layouts = tuple(_layouts(frames[0].shape, grid, spans))
        return ImageInputs(tensors, expansion, layouts, "resize", kind="video")

    def timing(self, times: Sequence[float], depth: int) -> dict[str, Tensor]:
        """What the forward pass is told of time."""
        return {}

    def moment(self, times: Sequence[float], span: tuple[int, int]) -> float:
        """Seconds that a step of the frames ``first, last + 1`` is said to show: their middle."""
        return (times[span[0]] + times[span[1] - 1]) / 2

    def expansion(
        self, hf: PreTrainedModel, processor: Any, tokens: int, moments: Sequence[float]
    ) -> Expansion:
        """What is written for a clip.

        Args:
            hf, processor: the model.
            tokens: of each step.
            moments: seconds, of each step.
        """
        return Expansion.run(self.token(hf, processor), tokens * len(moments))

    def processed(self, images: Any, frames: Sequence[Image.Image]) -> Any:
        """What the image processor makes of the frames; each has the budget of an image.

        Raises:
            ValueError: they are too narrow.
        """
        return images(images=frames, return_tensors="pt")

    def _checked(self, images: Any, frames: Sequence[NDArray[np.uint8]]) -> Any:
        height, width = frames[0].shape[:2]
        try:
            return self.processed(images, [Image.fromarray(frame) for frame in frames])
        except ValueError as error:
            raise BadImageError(
                f"Frames of {height}x{width} pixels (height x width) do not fit this family: {error}. "
                "Crop them."
            ) from error

    def _delimiters(self, hf: PreTrainedModel, processor: Any) -> tuple[str, str]:
        ids = [int(hf.config.vision_start_token_id), int(hf.config.vision_end_token_id)]
        start, end = processor.tokenizer.convert_ids_to_tokens(ids)
        return str(start), str(end)


class Qwen25Clips(QwenClips):
    """Qwen2.5-VL: positions of time count seconds."""

    def timing(self, times: Sequence[float], depth: int) -> dict[str, Tensor]:
        """How many seconds a step takes; of a single frame, which has no rate, one."""
        gaps = len(times) - 1
        seconds = depth * (times[-1] - times[0]) / gaps if gaps else 1.0
        return {"second_per_grid_ts": torch.tensor([seconds])}


class Qwen3Clips(QwenClips):
    """Qwen3-VL: every step has its time in words before it, and delimiters of its own."""

    def processed(self, images: Any, frames: Sequence[Image.Image]) -> Any:
        """All frames together have the budget of one image."""
        factor = int(images.patch_size) * int(images.merge_size)
        budget = int(images.size["shortest_edge"]), int(images.size["longest_edge"])
        first = frames[0]
        height, width = clip_size(len(frames), first.height, first.width, factor, budget)
        fitted = [frame.resize((width, height), images.resample) for frame in frames]
        return images(images=fitted, return_tensors="pt", do_resize=False)

    def expansion(
        self, hf: PreTrainedModel, processor: Any, tokens: int, moments: Sequence[float]
    ) -> Expansion:
        start, end = self._delimiters(hf, processor)
        token = self.token(hf, processor)
        written = "".join(f"<{moment:.1f} seconds>{start}{token}{end}" for moment in moments)
        return Expansion(written, (tokens,) * len(moments))


def clip_size(
    frames: int, height: int, width: int, factor: int, budget: tuple[int, int]
) -> tuple[int, int]:
    """(height, width) that Qwen3-VL stretches the frames of a clip to.

    Args:
        frames: how many; the budget counts the nearest even number of them.
        height, width: of each, in pixels.
        factor: pixels of a token's side: the sides become multiples of it.
        budget: fewest and most pixels of all frames together.

    Raises:
        ValueError: one side is more than 200 times the other.
    """
    if min(height, width) < factor:
        scale = factor / min(height, width)
        height, width = int(height * scale), int(width * scale)
    if max(height, width) > _MAX_ASPECT * min(height, width):
        raise ValueError(f"one side is more than {_MAX_ASPECT} times the other")
    fewest, most = budget
    sides = [round(side / factor) * factor for side in (height, width)]
    total = max(2, 2 * round(frames / 2)) * sides[0] * sides[1]
    if total > most:
        shrink = math.sqrt(frames * height * width / most)
        sides = [max(1, math.floor(s / shrink / factor)) * factor for s in (height, width)]
    elif total < fewest:
        grow = math.sqrt(fewest / (frames * height * width))
        sides = [math.ceil(side * grow / factor) * factor for side in (height, width)]
    return sides[0], sides[1]


def patches_in_time(patches: Tensor, frames: int, depth: int, channels: int) -> Tensor:
    """Patches that each show one frame ``depth`` times, put together of as many frames.

    Args:
        patches: float (frames * places, channels * depth * pixels), frame after frame.
        frames: how many; the last is repeated until they fill whole steps.
        depth: frames of a patch.
        channels: of a pixel.

    Returns:
        Float (steps * places, channels * depth * pixels), step after step.
    """
    each = patches.reshape(frames, len(patches) // frames, channels, depth, -1)
    order = list(range(frames)) + [frames - 1] * (-frames % depth)
    shown = each[order].unflatten(0, (-1, depth))  # (steps, depth, places, channels, depth, pixels)
    own = torch.stack([shown[:, at, :, :, at] for at in range(depth)], dim=3)
    return own.reshape(-1, patches.shape[1])


def _layouts(
    shape: tuple[int, ...], grid: tuple[int, int], spans: Sequence[tuple[int, int]]
) -> Iterator[GridLayout]:
    (height, width), (rows, columns) = shape[:2], grid
    y, x = np.linspace(0.0, height, rows + 1), np.linspace(0.0, width, columns + 1)
    for step, span in enumerate(spans):
        offsets = np.arange(rows * columns) + step * rows * columns
        yield GridLayout("image", offsets, y, x, step, span)
