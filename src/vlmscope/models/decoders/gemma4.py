"""Gemma 4: an image of any shape within a budget of tokens, squares of patches averaged into each.

Its smaller models (E2B, E4B) read everything causally; in the larger ones tokens of one image attend to
each other both ways in the layers with a window. Either way nothing sees what comes later, so an image
prefix can be shared. The last layers of the smaller ones have no keys of their own: they read those of an
earlier layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
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
from vlmscope.models.layout.tiles import squashed
from vlmscope.models.layout.vision_towers import check_tower
from vlmscope.models.prompts.prompt import Expansion, PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Gemma4Family", "Gemma4UnifiedFamily"]


class Gemma4Family(Family):
    """``Gemma4ForConditionalGeneration`` of transformers.

    Attributes:
        kind: what the names of its classes begin with, of processors too.
        tower: type of its vision part.
    """

    kind = "Gemma4"
    tower = "gemma4_vision"

    id = "gemma4"
    model_types = ("gemma4",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("google/gemma-4-e2b-it", "E2B", "unknown", "the last layers share keys"),
        Checkpoint("google/gemma-4-26B-A4B-it", "26B, 4B active", "unknown", "experts"),
    )
    limits: tuple[str, ...] = (
        "most layers look back at a window of positions: where a prompt is longer than that, they do not "
        "see the image",
        "E2B and E4B: layers take more than the hidden states below them, so image tokens cannot leave the "
        "sequence midway, and knock-out sweeps run whole passes; rows from hidden states are refused in "
        "the layers that read the keys of an earlier one",
        "pictures only: sound and videos are left out",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, f"{self.kind}Processor")
        check_image_class(processor, (f"{self.kind}ImageProcessor",))
        check_tower(hf, (self.tower,))
        check_tokens(hf, processor, self.image_token_id(hf))
        images, vision = processor.image_processor, hf.config.vision_config
        for name in ("patch_size", "pooling_kernel_size"):
            theirs, ours = int(getattr(images, name)), int(getattr(vision, name))
            if theirs != ours:
                raise ModelMismatchError(
                    f"The image processor has {name}={theirs}, the model's vision tower {ours}. Load the "
                    "processor that belongs to the model."
                )
        if not images.do_resize:
            raise ModelMismatchError(
                f"{type(images).__name__} has do_resize=False, and the model takes images whose sides are "
                "whole tokens. Set it to True."
            )

    def keys_of_another_layer(self, hf: PreTrainedModel, layer: int) -> bool:
        return bool(getattr(self.attention(self.layers(hf)[layer]), "is_kv_shared_layer", False))

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        """E2B and E4B have embeddings of the ids in every layer, and layers without keys."""
        text = self.decoder(hf).config
        parts = ("num_kv_shared_layers", "hidden_size_per_layer_input")
        return not any(getattr(text, name, 0) for name in parts)

    def places_per_token(self, hf: PreTrainedModel) -> int:
        """Along one axis, of the places that the processor numbers."""
        return int(hf.config.vision_config.pooling_kernel_size)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        places = values["image_position_ids"]  # (1, patches, 2), column and row, -1 where padded
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        factor = self.places_per_token(hf)
        columns, rows = (int(places[0, :, axis].max()) + 1 for axis in (0, 1))
        cells = rows // factor, columns // factor
        check_counts(expansion.tokens, cells[0] * cells[1])
        size = int(pixels.shape[0]), int(pixels.shape[1])
        y, x = (
            np.linspace(0, length, count + 1) for length, count in zip(size, cells, strict=True)
        )
        layout = GridLayout("image", np.arange(cells[0] * cells[1]), y, x)
        tensors = {"pixel_values": values["pixel_values"], "image_position_ids": places}
        done = "squash" if squashed(size, cells) else "resize"
        return ImageInputs(tensors, expansion, (layout,), done)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Which positions are image tokens.

        Returns:
            ``mm_token_type_ids`` (batch, positions): 1 for image tokens.
        """
        return {"mm_token_type_ids": (batch["input_ids"] == self.image_token_id(hf)).long()}


class Gemma4UnifiedFamily(Gemma4Family):
    """``Gemma4UnifiedForConditionalGeneration`` of transformers: no vision tower, pixels are projected."""

    id = "gemma4-unified"
    model_types = ("gemma4_unified",)
    torchvision = True
    kind = "Gemma4Unified"
    tower = "gemma4_unified_vision"
    checkpoints = (Checkpoint("google/gemma-4-12B-it", "12B", "unknown", "no vision tower"),)
    limits = (
        "most layers look back at a window of positions: where a prompt is longer than that, they do not "
        "see the image",
        "inside vs.lighten a prompt can be read, but an answer is refused where the masks of a pass are as "
        "wide as the cache of a layer that image tokens have left",
        "pictures only: sound and videos are left out",
    )

    def places_per_token(self, hf: PreTrainedModel) -> int:
        """The processor merges patches itself."""
        return 1
