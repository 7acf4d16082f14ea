"""Chameleon: the picture becomes codes of a list, one for each cell of a square, which are words like others.

A VQ-GAN's encoder makes them: convolutions that see beyond the cell, and the nearest entry of a codebook.
"""

from __future__ import annotations

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
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt, write_turn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ChameleonFamily"]


class ChameleonFamily(Family):
    """``ChameleonForConditionalGeneration`` of transformers."""

    id = "chameleon"
    model_types = ("chameleon",)
    checkpoints = (
        Checkpoint("facebook/chameleon-7b", "7B", "Chameleon Research License"),
        Checkpoint("facebook/chameleon-30b", "30B", "Chameleon Research License"),
    )
    placements = ("processor", "pad")
    limits = (
        "one square grid: the processor crops the centre and never sees the sides of a wide image; pad "
        "wastes tokens on borders",
        "an image token is one of 8192 codes, so small changes of the picture may change nothing",
    )

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        decoder: PreTrainedModel = hf.model
        return decoder

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "ChameleonProcessor")
        check_image_class(processor, ("ChameleonImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        # a processor of another image size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        if preset == "paper":
            return super().write(hf, processor, request, preset, system)
        image = self.placeholder(hf, processor)
        return write_turn(
            request.prompt, image * request.images, str(processor.tokenizer.sep_token)
        )

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        fitted = fit_image(pixels, images, placement)
        values = images(images=[Image.fromarray(fitted.pixels)], return_tensors="pt")
        side, cells = _sides(hf)
        made = tuple(int(length) for length in values["pixel_values"].shape[-2:])
        if made != (side, side) or fitted.size != made:
            raise ModelMismatchError(
                f"The processor makes {made[0]}x{made[1]} pixels (its settings say {fitted.size[0]}x"
                f"{fitted.size[1]}), the model takes {side}x{side}. Load the processor that belongs to "
                "the model."
            )
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, cells**2)
        layout = GridLayout("image", np.arange(cells**2), *fitted.edges((cells, cells)))
        tensors = {"pixel_values": values["pixel_values"]}
        return ImageInputs(tensors, expansion, (layout,), fitted.placement)

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        logits = super().head(hf, hidden)
        codes: Any = hf.model.vocabulary_mapping.image_tokens
        logits[..., codes] = torch.finfo(logits.dtype).min  # it is kept from drawing
        return logits


def _sides(hf: PreTrainedModel) -> tuple[int, int]:
    """Of the square: pixels, and cells."""
    vq = hf.config.vq_config
    side = int(vq.resolution)
    return side, side // 2 ** (len(vq.channel_multiplier) - 1)
