"""Emu3: the picture becomes codes of a list, one for each cell of eight pixels, which are words like others.

A VQ-GAN's encoder makes them: convolutions that see beyond the square, and the nearest entry of a codebook.
An end-of-line token stands behind each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

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
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, Span, WrittenPrompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Emu3Family"]


class Emu3Family(Family):
    """``Emu3ForConditionalGeneration`` of transformers, reading pictures."""

    id = "emu3"
    model_types = ("emu3",)
    checkpoints = (Checkpoint("BAAI/Emu3-Chat-hf", "8.5B", "Apache-2.0"),)
    limits = (
        "an image token is one of 32768 codes, so small changes of the picture may change nothing",
        "at least 4096 tokens for each picture at the published settings (min_pixels)",
    )

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        decoder: PreTrainedModel = hf.model.text_model
        return decoder

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Emu3Processor")
        check_image_class(processor, ("Emu3ImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        side = _side(hf)
        sides = {int(processor.downsample_ratio), int(processor.image_processor.spatial_factor)}
        if sides != {side}:
            raise ModelMismatchError(
                f"The processor counts cells of {sorted(sides)} pixels, the model makes one of {side}. Load "
                "the processor that belongs to the model."
            )

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        written = super().write(hf, processor, request, preset, system)
        bos = str(processor.bos_token)  # its tokenizer adds none
        shift = 0 if written.text.startswith(bos) else len(bos)
        spans = (Span(each.role, each.start + shift, each.end + shift) for each in written.spans)
        return WrittenPrompt(bos[:shift] + written.text, tuple(spans), add_special_tokens=False)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        made = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        values, sizes = made["pixel_values"], torch.as_tensor(made["image_sizes"])
        side = _side(hf)
        rows, columns = (int(length) // side for length in values.shape[-2:])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(
            str(processor.replace_image_token({"image_sizes": sizes}, 0)), token
        )
        check_counts(expansion.tokens, rows * (columns + 1))
        height, width = pixels.shape[:2]
        cells = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
        layout = GridLayout(
            "image",
            cells.reshape(-1),
            np.linspace(0, height, rows + 1),
            np.linspace(0, width, columns + 1),
        )
        squashed = abs(rows * width / (columns * height) - 1) > 0.02
        done = "squash" if squashed else "resize"
        return ImageInputs(
            {"pixel_values": values, "image_sizes": sizes}, expansion, (layout,), done
        )

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Every image, filled up with zeros to the largest."""
        flat = [image.tensors for images in items for image in images]
        sizes = torch.cat([each["image_sizes"] for each in flat])
        height, width = (int(length) for length in sizes.amax(0))
        whole = flat[0]["pixel_values"].new_zeros((len(flat), 3, height, width))
        for row, each in enumerate(flat):
            values = each["pixel_values"][0]
            whole[row, :, : values.shape[-2], : values.shape[-1]] = values
        return {"pixel_values": whole, "image_sizes": sizes}

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        return super().forward(hf, positions, **_with_codes(hf, inputs))

    def body(self, hf: PreTrainedModel, **inputs: Any) -> None:
        super().body(hf, **_with_codes(hf, inputs))


def _side(hf: PreTrainedModel) -> int:
    """Of a cell, in pixels."""
    return int(2 ** (len(hf.config.vq_config.channel_multiplier) - 1))


def _with_codes(hf: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a batch with the images of each prompt read apart from the other prompts'.

    Codes depend on the zeros that a picture is filled up with, so they would depend on the batch.
    """
    if inputs.get("pixel_values") is None:
        return inputs
    rest = {
        name: each for name, each in inputs.items() if name not in ("pixel_values", "image_sizes")
    }
    features = []
    for values, sizes in _by_prompt(hf, inputs):
        features += hf.model.get_image_features(values, sizes).pooler_output
    return {**rest, "mm_encoder_outputs": {"image": SimpleNamespace(pooler_output=tuple(features))}}


def _by_prompt(hf: Any, inputs: dict[str, Any]) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels, filled up to the largest of the prompt's images, and sizes of each prompt's images."""
    values, sizes = inputs["pixel_values"], inputs["image_sizes"]
    cells = sizes // _side(hf)
    tokens = (cells[:, 0] * (cells[:, 1] + 1)).tolist()
    held = (inputs["input_ids"] == hf.config.image_token_id).sum(1).tolist()
    first = 0
    for count in held:
        last = first
        while count > 0:
            count -= tokens[last]
            last += 1
        if last > first:
            height, width = (int(length) for length in sizes[first:last].amax(0))
            yield values[first:last, :, :height, :width], sizes[first:last]
        first = last
