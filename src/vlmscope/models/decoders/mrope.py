"""Positions of time, row and column: what Qwen-VL and GLM-4V share beside a tower for any resolution.

Positions of image tokens are (time, row, column); text after the image counts on from the largest of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.models.decoders.any_resolution import AnyResolutionFamily
from vlmscope.models.prompts.prompt import PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["MropeFamily"]


class MropeFamily(AnyResolutionFamily):
    """A vision tower for any resolution in front of a decoder with one rotary position per axis."""

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Positions by the model's own rule, given explicitly: it would remember them otherwise.

        Returns:
            ``mm_token_type_ids`` (batch, positions), 1 for image tokens, and ``position_ids``
            (3, batch, positions): time, row, column.
        """
        ids = batch["input_ids"]
        types = (ids == self.image_token_id(hf)).long()
        positions, _ = hf.model.get_rope_index(
            ids,
            mm_token_type_ids=types,
            image_grid_thw=batch["image_grid_thw"],
            attention_mask=batch["attention_mask"],
        )
        return {"mm_token_type_ids": types, "position_ids": positions}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        merge = int(hf.config.vision_config.spatial_merge_size)
        grids = [[1, *(size * merge for size in view.grid)] for view in token_map.views]
        return self.complete(hf, None, {**batch, "image_grid_thw": torch.tensor(grids)}, ())

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Generating leaves the last prompt's position offset on the model."""
        yield from super().remembered(hf)
        yield hf.model, {"rope_deltas": None}
