"""HunyuanOCR and HunYuan-VL: rows of image tokens that end in a newline, one position per axis.

An image is a token that begins it, its rows with a newline token behind each, and a token that ends it.
Its tokens have the position of their column, their row and their image; where the decoder has a fourth
axis, that counts along the sequence, as text does on all axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.mrope import MropeFamily
from vlmscope.models.prompts.prompt import PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["HunYuanVlFamily"]


class HunYuanVlFamily(MropeFamily):
    """``HunYuanVLForConditionalGeneration`` of transformers."""

    id = "hunyuan-vl"
    model_types = ("hunyuan_vl",)
    checkpoints = (
        Checkpoint(
            "tencent/HunyuanOCR", "1B", "Tencent Hunyuan Community License", "reads documents"
        ),
    )
    processor_class = "HunYuanVLProcessor"
    image_processors = ("HunYuanVLImageProcessor",)
    delimiters = ("im_start_id", "im_end_id")

    def cells(self, rows: int, columns: int) -> tuple[int, NDArray[np.int64]]:
        with_newlines = np.arange(rows * (columns + 1)).reshape(rows, columns + 1)
        return with_newlines.size + 2, 1 + with_newlines[:, :-1].reshape(-1)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """As its kind, item by item: transformers would count images through the whole batch."""
        items = [
            super(HunYuanVlFamily, self).complete(hf, processor, item, ())
            for item in self._items(hf, batch)
        ]
        return {
            "mm_token_type_ids": torch.cat([each["mm_token_type_ids"] for each in items]),
            "position_ids": torch.cat([each["position_ids"] for each in items], dim=1),
        }

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        ids = batch["input_ids"].clone()
        for view in token_map.views:  # those around the cells are image tokens too
            count, cells = self.cells(*view.grid)
            start = int(view.positions[0] - cells[0])
            ids[0, start : start + count] = self.image_token_id(hf)
        return super().complete_by_roles(hf, {**batch, "input_ids": ids}, token_map)

    def _items(self, hf: PreTrainedModel, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Each prompt of a batch with the grids of its own images."""
        of_image = (batch["input_ids"] == self.image_token_id(hf)).int()
        begins = torch.nn.functional.pad(of_image, (1, 0)).diff(dim=1) == 1
        grids = batch["image_grid_thw"].split(begins.sum(dim=1).tolist())
        for item, own in enumerate(grids):
            names = ("input_ids", "attention_mask")
            yield {
                **{name: batch[name][item : item + 1] for name in names},
                "image_grid_thw": own,
            }
