"""Fuyu: no vision tower; patches of the picture go straight into the decoder, row by row.

The picture keeps its size unless it is too large, and its last patches are filled up at the right and below.
Its processor reads picture and words apart, and drops the space that its tokenizer puts before the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt, write_turn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["FuyuFamily"]

_BEGIN_ANSWER = "<0x04>"
_BOS = "<s>"


class FuyuFamily(Family):
    """``FuyuForCausalLM`` of transformers."""

    id = "fuyu"
    model_types = ("fuyu",)
    checkpoints = (Checkpoint("adept/fuyu-8b", "9.4B", "CC-BY-NC-4.0"),)
    many_images = False
    limits = ("one image per prompt, in front of the words",)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "FuyuProcessor")
        check_image_class(processor, ("FuyuImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        patch, wanted = _patch(processor), int(hf.config.patch_size)
        if patch != (wanted, wanted):
            raise ModelMismatchError(
                f"The processor cuts patches of {patch[0]}x{patch[1]} pixels, the model takes {wanted}x"
                f"{wanted}. Load the processor that belongs to the model."
            )

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        if preset == "paper":
            return super().write(hf, processor, request, preset, system)
        return write_turn(request.prompt, self.placeholder(hf, processor), _BEGIN_ANSWER)

    def tokenizer(self, processor: Any) -> Any:
        return _InTwoParts(processor.tokenizer)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        made = images(images=[[Image.fromarray(pixels)]], return_tensors="pt")
        [padded] = made["images"]
        padded = padded[0] if isinstance(padded, list) else padded
        patch = _patch(processor)
        sizes = made["image_unpadded_heights"][0][0], made["image_unpadded_widths"][0][0]
        shown = int(sizes[0]), int(sizes[1])
        rows, columns = (-(-length // side) for length, side in zip(shown, patch, strict=True))
        cut = padded[..., : rows * patch[0], : columns * patch[1]]
        patches = torch.as_tensor(images.patchify_image(image=np.asarray(cut))).reshape(
            rows * columns, -1
        )
        written = processor.replace_image_token(
            {}, 0, num_patches=rows * columns, row_width=columns
        )
        expansion = Expansion.of(str(written), self.placeholder(hf, processor))
        check_counts(expansion.tokens, rows * columns)
        edges = [
            np.arange(count + 1, dtype=np.float64) * side * original / length
            for count, side, original, length in zip(
                (rows, columns), patch, pixels.shape[:2], shown, strict=True
            )
        ]
        layout = GridLayout("image", np.arange(rows * columns), edges[0], edges[1])
        return ImageInputs({"pixel_values": patches}, expansion, (layout,), "pad")


class _InTwoParts:
    """A tokenizer that reads a picture and the words behind it apart, as Fuyu's processor does.

    Args:
        tokenizer: of the processor; everything but a call is its.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, text: str, **options: Any) -> dict[str, list[Any]]:
        options["add_special_tokens"] = False
        head, bos, tail = text.partition(_BOS)
        picture = self._tokenizer(head + bos, **options)
        words = self._tokenizer(tail, **options)
        shift = len(head + bos)
        behind = [(start + shift, end + shift) for start, end in words["offset_mapping"]]
        return {
            # the space that is put before every text is none of the picture's
            "input_ids": [*picture["input_ids"][1:], *words["input_ids"]],
            "offset_mapping": [*picture["offset_mapping"][1:], *behind],
        }


def _patch(processor: Any) -> tuple[int, int]:
    """(height, width) of a patch in pixels."""
    size = processor.image_processor.patch_size
    if isinstance(size, dict):
        return int(size["height"]), int(size["width"])
    return int(size.height), int(size.width)
