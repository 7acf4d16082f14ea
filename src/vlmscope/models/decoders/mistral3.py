"""Mistral 3 (Mistral Small 3.1 and later, Ministral 3): a Pixtral tower, 2x2 patches to a token.

Mistral Large 4 has a decoder whose rows look at positions that an indexer picked, and whose layers may read
the keys of earlier ones.

Each row of tokens ends in ``[IMG_BREAK]``, the last in ``[IMG_END]``: both have the image role and lie
on no grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadImageError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.pixtral_tower import PixtralTowerFamily
from vlmscope.models.layout.image_inputs import ImageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Mistral3Family", "MistralLarge4Family"]


class Mistral3Family(PixtralTowerFamily):
    """``Mistral3ForConditionalGeneration`` of transformers, with any decoder."""

    id = "mistral3"
    model_types: tuple[str, ...] = ("mistral3",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("mistralai/Mistral-Small-3.1-24B-Instruct-2503", "24B", "Apache-2.0"),
        Checkpoint("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "24B", "Apache-2.0"),
        Checkpoint("mistralai/Ministral-3-3B-Instruct-2512", "4B", "Apache-2.0", "weights in FP8"),
        Checkpoint("mistralai/Ministral-3-8B-Instruct-2512", "9B", "Apache-2.0", "weights in FP8"),
    )
    processor_class = "PixtralProcessor"

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        image = super().image_inputs(hf, processor, pixels, placement)
        if image.expansion.tokens == 1:
            raise BadImageError(
                f"An image of {pixels.shape[0]}x{pixels.shape[1]} pixels (height x width) makes one image "
                f"token, which transformers (5.24) cannot give to this model. Enlarge it: a token is "
                f"{self.cell(hf)} pixels wide."
            )
        return image


class MistralLarge4Family(Mistral3Family):
    """``MistralLarge4ForConditionalGeneration`` of transformers."""

    id = "mistral-large-4"
    model_types = ("mistral_large4",)
    checkpoints = (Checkpoint("mistralai/Mistral-Large-4-1T-A52B", "1T", "unknown"),)
    limits = (
        "an indexer picks at most 2048 positions that a row may look at: rows are read and edges blocked in "
        "sequences no longer than that, where it picks all of them",
    )

    def layer_output(self, hidden: Tensor) -> Any:
        """Layers hand what their indexer picked on to the next."""
        return hidden, None

    def keys_of_another_layer(self, hf: PreTrainedModel, layer: int) -> bool:
        return int(self.decoder(hf).config.kv_source_layers[layer]) != layer

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        return False

    def lasting_cache(self, hf: PreTrainedModel) -> Any:
        """Its layers hold the indexer's keys as well, or read those of others."""
        return self.cache(hf)
