"""MiniCPM-V 4.6 and MiniCPM-OCR: the image, then slices of a larger copy of it, 4x4 patches to a token.

Up to 4.5 a resampler's queries each read a whole slice. From 4.6 on tokens are patches merged in squares:
2x2 within the tower, 2x2 again behind it, so a token is a place. Shapes are stretched to whole tokens, and
slices are equal rectangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.slices import sliced_layouts
from vlmscope.models.layout.tiles import squashed
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["MiniCpmOcrFamily", "MiniCpmVFamily", "merged_patches"]


class MiniCpmVFamily(HybridFamily):
    """``MiniCPMV4_6ForConditionalGeneration`` of transformers.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes whose geometry is known, by the start of their name.
    """

    id = "minicpm-v"
    model_types: tuple[str, ...] = ("minicpmv4_6",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("openbmb/MiniCPM-V-4.6", "unknown", "unknown", "Qwen3.5 decoder"),
    )
    limits: tuple[str, ...] = (
        *hybrid_limits("gated delta rules (linear attention)"),
        "what a full-attention layer reads is scaled by an output gate afterwards, which rows do not show",
    )
    processor_class = "MiniCPMV4_6Processor"
    image_processors: tuple[str, ...] = ("MiniCPMV4_6ImageProcessor",)

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """The number of each image stands in front of it, where the processor writes numbers."""
        written = super().write(hf, processor, request, preset, system)
        token = self.placeholder(hf, processor)
        start, end = processor.image_id_start_token, processor.image_id_end_token
        numbers = [f"{start}{number}{end}" for number in range(request.images)]
        if not processor.default_use_image_id:
            numbers = [""] * request.images
        return written.expanded(token, [Expansion(number + token, (1,)) for number in numbers])

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, self.image_processors)
        images = processor.image_processor
        if images.downsample_mode != hf.config.downsample_mode:
            raise ModelMismatchError(
                f"The image processor has downsample_mode={images.downsample_mode!r}, the model's config "
                f"{hf.config.downsample_mode!r}: they would count different tokens. Set both to one."
            )
        # a processor of another patch size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        _check_patches(hf, values["pixel_values"])
        grids = _token_grids(hf, values["target_sizes"])
        rows, columns = (int(count) for count in values["grids"][0])
        divisor = int(processor.image_token_divisor)
        written = processor.replace_image_token(values, 0, image_token_divisor=divisor)
        expansion = Expansion.of(str(written), self.placeholder(hf, processor))
        check_counts(expansion.tokens, sum(tall * wide for tall, wide in grids))
        check_counts(len(grids), 1 + rows * columns)
        _check_alike(grids[1:])
        size = int(pixels.shape[0]), int(pixels.shape[1])
        whole, tall, wide = grids[0], *grids[-1]
        layouts = tuple(sliced_layouts(size, whole, (rows, columns), (tall, wide)))
        finest = (rows * tall, columns * wide) if rows * columns else whole
        tensors = {name: values[name] for name in ("pixel_values", "target_sizes")}
        placed = "squash" if squashed(size, finest) else "resize"
        return ImageInputs(tensors, expansion, layouts, placed)

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Patches of all images side by side, (1, channels, patch, patch x patches)."""
        flat = [image.tensors for group in items for image in group]
        return {
            "pixel_values": torch.cat([each["pixel_values"] for each in flat], dim=-1),
            "target_sizes": torch.cat([each["target_sizes"] for each in flat]),
        }

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        hidden: Tensor = hf.model(**inputs).last_hidden_state
        return self.head(hf, hidden[:, positions.to(hidden.device)])


class MiniCpmOcrFamily(MiniCpmVFamily):
    """``MiniCPMOcrForConditionalGeneration`` of transformers: 2x2 patches to a token, for dense text."""

    id = "minicpm-ocr"
    model_types = ("minicpm_ocr",)
    checkpoints = (Checkpoint("openbmb/MiniCPM-OCR-1.0", "unknown", "unknown", "documents"),)
    torchvision = True
    processor_class = "MiniCPMOcrProcessor"
    image_processors = ("MiniCPMOcrImageProcessor",)


def merged_patches(hf: PreTrainedModel) -> int:
    """Patches per token, along one axis."""
    config = hf.config
    inside = (
        1 if config.downsample_mode == "4x" else int(config.vision_config.window_kernel_size[0])
    )
    return inside * int(config.merge_kernel_size[0]) ** int(config.merger_times)


def _token_grids(hf: PreTrainedModel, sizes: Tensor) -> list[tuple[int, int]]:
    """(rows, columns) of tokens of each crop, from int (crops, 2) of patches.

    Raises:
        ModelMismatchError: for a crop that is no whole number of tokens.
    """
    merged = merged_patches(hf)
    if int((sizes % merged).abs().max()):
        raise ModelMismatchError(
            f"The processor makes crops of {sizes.tolist()} patches (rows, columns), the model merges "
            f"{merged}x{merged} of them into a token. Load the processor that belongs to the model, with "
            "do_resize=True."
        )
    return [(int(rows) // merged, int(columns) // merged) for rows, columns in sizes]


def _check_patches(hf: PreTrainedModel, values: Tensor) -> None:
    """Raise ModelMismatchError unless (1, channels, patch, pixels) are patches of the tower's size."""
    patch = int(hf.config.vision_config.patch_size)
    if int(values.shape[2]) != patch:
        raise ModelMismatchError(
            f"The processor makes patches of {int(values.shape[2])} pixels, the model's vision tower takes "
            f"{patch}. Load the processor that belongs to the model."
        )


def _check_alike(grids: Sequence[tuple[int, int]]) -> None:
    """Raise UnsupportedError unless all slices have the same (rows, columns) of tokens."""
    if len(set(grids)) > 1:
        raise UnsupportedError(
            f"The image processor makes slices of {sorted(set(grids))} tokens (rows, columns) of one image "
            "(small_image_upsize='adaptive'), which make no one grid. Set it to 'always'."
        )
