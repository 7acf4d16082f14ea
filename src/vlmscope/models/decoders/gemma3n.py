"""Gemma 3n: a square through timm's MobileNet-V5, whose last two stages are pooled to 16x16 tokens.

The decoder reads everything causally, most layers a window of positions. Its layers pass several residual
streams on (AltUp), get an embedding of the ids besides, and the last ones read the keys of an earlier layer.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.padded_square import check_side
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.vision_towers import check_tower
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Gemma3nFamily"]

_TIMM = "needs timm; gated"


class Gemma3nFamily(Family):
    """``Gemma3nForConditionalGeneration`` of transformers."""

    id = "gemma3n"
    model_types = ("gemma3n",)
    checkpoints = (
        Checkpoint("google/gemma-3n-E2B-it", "E2B", "Gemma Terms of Use", _TIMM),
        Checkpoint("google/gemma-3n-E4B-it", "E4B", "Gemma Terms of Use", _TIMM),
    )
    placements = ("processor", "pad")
    parallel_streams = True
    timm = True
    limits = (
        "a token is a mean over its rectangle of what attention over the whole image and convolutions, which "
        "reach about seven cells to each side, made there; the coarser of its two stages reaches a third of "
        "a cell over the border",
        "most layers look back at a window of positions: where a prompt is longer than that, they do not "
        "see the image",
        "layers take several residual streams and embeddings of the ids, and the last ones read the keys of "
        "an earlier one: image tokens cannot leave the sequence midway, knock-out sweeps run whole passes, "
        "and rows from hidden states are refused",
        "pictures only: sound is left out",
    )

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.image_token)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Gemma3nProcessor")
        check_image_class(processor, ("SiglipImageProcessor",))
        check_tower(hf, ("gemma3n_vision",))
        architecture = str(hf.config.vision_config.architecture)
        if not architecture.startswith("mobilenetv5"):
            raise UnsupportedError(
                f"This Gemma 3n has timm's tower {architecture!r}; known are those named mobilenetv5. Where "
                "its image tokens lie is not known, so nothing is guessed."
            )
        check_tokens(hf, processor, self.image_token_id(hf))
        # a processor of other settings shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def keys_of_another_layer(self, hf: PreTrainedModel, layer: int) -> bool:
        return bool(self.attention(self.layers(hf)[layer]).is_kv_shared_layer)

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        """They have embeddings of the ids beside the hidden states."""
        return False

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        fitted = fit_image(pixels, processor.image_processor, placement)
        values = processor.image_processor(
            images=[Image.fromarray(fitted.pixels)], return_tensors="pt"
        )
        frames = values["pixel_values"]  # (1, channels, height, width)
        side, cells = int(fitted.size[0]), _cells(hf, int(fitted.size[0]))
        check_side(frames, side, side)
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, cells**2)
        layout = GridLayout("image", np.arange(cells**2), *fitted.edges((cells, cells)))
        return ImageInputs({"pixel_values": frames}, expansion, (layout,), fitted.placement)


def _cells(hf: PreTrainedModel, side: int) -> int:
    """Tokens along one side of the square.

    Raises:
        ModelMismatchError: when the finer of the stages that are fused makes no whole number of places per
            token, so that they would be resampled and not pooled.
    """
    tower = hf.model.vision_tower.timm_model
    cells = isqrt(int(hf.config.vision_soft_tokens_per_image))
    made = {int(number) for number in tower.msfa.output_resolution}
    if made != {cells}:
        raise ModelMismatchError(
            f"The config asks for {cells}x{cells} tokens per image, the tower makes {sorted(made)} along a "
            "side. Load the config that belongs to the model."
        )
    place = int(tower.feature_info[tower.msfa_indices[0]]["reduction"])
    if side % (place * cells):
        raise ModelMismatchError(
            f"The image processor makes squares of {side} pixels; {cells}x{cells} tokens of whole places of "
            f"{place} pixels need a multiple of {place * cells}. Load the processor that belongs to the "
            "model."
        )
    return cells
