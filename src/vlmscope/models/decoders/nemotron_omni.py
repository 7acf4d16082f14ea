"""Nemotron-H Omni: a C-RADIO tower for any resolution in front of a hybrid decoder.

A layer of the decoder is one thing only: Mamba-2, an expert mixture, or full attention, of which there are
few. An image is stretched to a grid of patches within a budget; a token is 2x2 of them, row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["NemotronOmniFamily"]

_FULL = "full_attention"


class NemotronOmniFamily(HybridFamily):
    """``NemotronH_Omni_Reasoning_V3`` of transformers."""

    id = "nemotron-omni"
    model_types = ("nemotron_h_omni",)
    checkpoints = (
        Checkpoint("nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning-BF16", "30B", "unknown"),
    )
    torchvision = True
    limits = (
        *hybrid_limits("Mamba-2 layers and expert mixtures"),
        "pictures and text alone are read: sound and video are not",
    )

    # -- where things live ---------------------------------------------------------------

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        decoder: PreTrainedModel = hf.language_model.model
        return decoder

    def row_layers(self, hf: PreTrainedModel) -> tuple[int, ...]:
        return tuple(n for n, layer in enumerate(self.layers(hf)) if layer.block_type == _FULL)

    def attention(self, layer: nn.Module) -> nn.Module:
        attention: nn.Module = layer.mixer  # type: ignore[assignment]
        return attention

    # -- images --------------------------------------------------------------------------

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "NemotronH_Omni_Reasoning_V3Processor")
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("NemotronH_Omni_Reasoning_V3ImageProcessor",))
        # a processor of other settings shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        merge = round(1 / hf.config.downsample_ratio)
        rows, columns = (int(size) // merge for size in values["image_grid_hw"][0])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, rows * columns)
        check_counts(expansion.tokens, len(values["pixel_values"]) // merge**2)
        layout = GridLayout(
            "image",
            np.arange(rows * columns),
            np.linspace(0.0, height, rows + 1),
            np.linspace(0.0, width, columns + 1),
        )
        squashed = abs((rows / height) / (columns / width) - 1) > 0.02
        tensors = {name: values[name] for name in ("pixel_values", "image_grid_hw")}
        return ImageInputs(tensors, expansion, (layout,), "squash" if squashed else "resize")

    # -- passes --------------------------------------------------------------------------

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        logits: Tensor = hf.language_model.lm_head(hidden).float()
        return logits

    def body(self, hf: PreTrainedModel, **inputs: Any) -> None:
        """There is no model without the output layer: it is given the last position alone."""
        hf(**inputs, logits_to_keep=torch.tensor([inputs["input_ids"].shape[1] - 1]))
