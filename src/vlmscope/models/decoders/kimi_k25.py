"""Kimi K2.5 and K2.6: a tower for any resolution in front of DeepSeek-V3's decoder.

Images keep their ratio: large ones are made smaller, none larger, and the rest up to whole tokens is
filled with black below and to the right. Keys and values are kept compressed; rows are those of the keys
that every head makes of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.any_resolution import AnyResolutionFamily
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import check_fills

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["KimiK25Family"]

_CONTENT = "<|media_content|>"


class KimiK25Family(AnyResolutionFamily):
    """``Kimi_K25ForConditionalGeneration`` of transformers."""

    id = "kimi-k2.5"
    model_types = ("kimi_k25",)
    checkpoints = (
        Checkpoint("moonshotai/Kimi-K2.5", "1T", "Modified MIT"),
        Checkpoint("moonshotai/Kimi-K2.6", "1T", "unknown"),
    )
    processor_class = "Kimi_K25Processor"
    image_processors = ("Kimi_K25ImageProcessor",)
    torchvision = True
    delimiters = ("vision_start_token_id", "vision_end_token_id")

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        """The placeholder behind the word that says what it stands for, as templates write it."""
        placeholder = self.placeholder(hf, processor)
        kind = f"image{_CONTENT}" if _CONTENT in processor.tokenizer.get_vocab() else ""
        return super().image_text(hf, processor).replace(placeholder, f"{kind}{placeholder}")

    def merge(self, hf: PreTrainedModel, processor: Any) -> int:
        rows, columns = hf.config.vision_config.merge_kernel_size
        if rows != columns:
            raise ModelMismatchError(
                f"The tower merges {rows}x{columns} patches into a token; known are squares of them."
            )
        return int(rows)

    def patch_values(self, hf: PreTrainedModel) -> int:
        return 3 * int(hf.config.vision_config.patch_size) ** 2

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_fills(processor)
        super().check(hf, processor)

    def edges(
        self, hf: PreTrainedModel, processor: Any, size: tuple[int, int], grid: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
        images = processor.image_processor
        cell = int(images.patch_size) * self.merge(hf, processor)
        new = _resized(images, size)
        filled = [-(-side // cell) * cell for side in new]
        if [side // cell for side in filled] != list(grid):
            raise ModelMismatchError(
                f"The image processor makes {grid[0]}x{grid[1]} tokens of an image of {size[0]}x"
                f"{size[1]} pixels (height x width); its settings say {filled[0] // cell}x"
                f"{filled[1] // cell}. Load the processor that belongs to the model."
            )
        y_edges, x_edges = (
            Axis(after / before, 0.0).to_original(np.arange(cells + 1, dtype=np.float64) * cell)
            for before, after, cells in zip(size, new, grid, strict=True)
        )
        return y_edges, x_edges, "resize" if filled == list(new) else "pad"


def _resized(images: Any, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the processed image before it is filled up."""
    patch, most = int(images.patch_size), int(images.size["max_height"])
    patches = max(1, size[0] // patch) * max(1, size[1] // patch)
    scales = [math.sqrt(int(images.max_patches) / patches)]
    scales += [most * patch / side for side in size]
    scale = min(1.0, *scales)
    height, width = (min(max(1, int(side * scale)), most * patch) for side in size)
    return height, width
