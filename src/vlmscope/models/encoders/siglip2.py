"""SigLIP 2 NaFlex: images keep their shape, patches come flattened, positions are resized per image.

The dense path gives every image of a batch one grid, so nothing is padded and no mask is needed. The
pooling head is SigLIP's, and patches go through it one by one as they do there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.encoders.patches import PatchGrid
from vlmscope.models.encoders.siglip import SiglipFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Siglip2Family", "flat_patches"]


class Siglip2Family(SiglipFamily):
    """``Siglip2Model`` of transformers; fixed-resolution SigLIP 2 is a ``SiglipModel``."""

    id = "siglip2"
    model_types = ("siglip2",)
    checkpoints = (
        Checkpoint("google/siglip2-base-patch16-naflex", "375M", "Apache-2.0", side=448),
    )

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        parts = hf.vision_model.embeddings
        weights = parts.position_embedding.weight
        patches = parts.patch_embedding(flat_patches(values, grid).to(weights.dtype))
        # the model's own way, whose last digits are others in each release
        square = weights.unflatten(0, (parts.position_embedding_size,) * 2)
        shapes = torch.tensor([grid], device=weights.device)
        positions = parts.resize_positional_embeddings(square, shapes, grid[0] * grid[1])
        tokens: Tensor = patches + positions
        return tokens

    def native_side(self, hf: PreTrainedModel) -> int:
        config = self.vision_config(hf)
        return math.isqrt(config.num_patches) * int(config.patch_size)

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        patch = int(self.vision_config(hf).patch_size)
        grid = values.shape[2] // patch, values.shape[3] // patch
        patches = flat_patches(values, grid)
        out: Tensor = hf.vision_model(
            pixel_values=patches,
            pixel_attention_mask=patches.new_ones(patches.shape[:2], dtype=torch.long),
            spatial_shapes=torch.tensor([grid] * len(values), device=values.device),
            output_hidden_states=True,
        ).hidden_states[-1]
        return out

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        super().check(hf, processor)
        config = self.vision_config(hf)
        if not config.vision_use_head:
            raise ModelMismatchError(
                "This SigLIP 2 has no pooling head (vision_use_head is off), through which patches "
                "reach the space of the text. Load the whole dual encoder."
            )
        patch = getattr(processor.image_processor, "patch_size", None)
        if patch != config.patch_size:
            raise ModelMismatchError(
                f"The image processor makes patches of {patch} pixels, the model reads patches of "
                f"{config.patch_size}. Load the processor that belongs to the model."
            )


def flat_patches(values: Tensor, grid: PatchGrid) -> Tensor:
    """(batch, 3, height, width) -> (batch, patches, patch * patch * 3), the colour fastest."""
    split = values.unflatten(3, (grid[1], -1)).unflatten(2, (grid[0], -1))
    return split.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
