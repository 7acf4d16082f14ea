"""MiniCPM-V 4.7: the tokens of 4.6, at positions of time, row and column on one canvas.

The image as a whole is spread over its slices; tokens around crops stand at the canvas's corners, so
positions follow from every id of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.minicpm_v import MiniCpmVFamily, merged_patches
from vlmscope.models.prompts.prompt import PromptRequest, WrittenPrompt
from vlmscope.types import Role

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["MiniCpmV47Family"]


class MiniCpmV47Family(MiniCpmVFamily):
    """``MiniCPMV4_7ForConditionalGeneration`` of transformers."""

    id = "minicpm-v-4.7"
    model_types = ("minicpmv4_7",)
    checkpoints = (Checkpoint("openbmb/MiniCPM-V-4.7-1B", "1B", "unknown", "Qwen3.5 decoder"),)
    processor_class = "MiniCPMV4_7Processor"

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """A newline right behind an image stands on its canvas, so it belongs to the image."""
        written = super().write(hf, processor, request, preset, system)
        spans = tuple(
            replace(span, end=span.end + 1)
            if span.role == Role.IMAGE and _one_newline(written.text[span.end :])
            else span
            for span in written.spans
        )
        return replace(written, spans=spans)

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
            target_sizes=batch["target_sizes"],
            attention_mask=batch["attention_mask"],
        )
        return {"mm_token_type_ids": types, "position_ids": positions}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        ids = batch["input_ids"].clone()
        runs = _runs(ids[0] == self.image_token_id(hf))
        _write_markers(hf, ids[0], runs, token_map)
        sizes = torch.tensor(_crop_grids(token_map, runs)) * merged_patches(hf)
        return self.complete(hf, None, {**batch, "input_ids": ids, "target_sizes": sizes}, ())

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Generating leaves the last prompt's position offset on the model."""
        yield from super().remembered(hf)
        yield hf.model, {"rope_deltas": None}


def _one_newline(text: str) -> bool:
    """Whether a text begins with a newline that is a token of its own."""
    return text.startswith("\n") and not text.startswith("\n\n")


def _runs(marked: Tensor) -> list[tuple[int, int]]:
    """(first, last + 1) of the runs of a bool (positions,)."""
    edges = torch.diff(marked.int(), prepend=torch.zeros(1), append=torch.zeros(1))
    starts, ends = (torch.nonzero(edges == step)[:, 0].tolist() for step in (1, -1))
    return list(zip(starts, ends, strict=True))


def _write_markers(
    hf: PreTrainedModel, ids: Tensor, runs: Sequence[tuple[int, int]], token_map: TokenMap
) -> None:
    """Put what stands around crops into ids (positions,) that hold image tokens alone.

    Args:
        hf: the model.
        ids: changed in place.
        runs: (first, last + 1) of the crops.
        token_map: of the prompt.
    """
    config = hf.config
    wholes = {int(view.positions.min()) for view in token_map.views if view.name != "tiles"}
    for first, end in runs:
        whole = first in wholes
        ids[first - 1] = config.image_start_id if whole else config.slice_start_id
        ids[end] = config.image_end_id if whole else config.slice_end_id
        if token_map.tokens[end + 1 : end + 2] == ("\n",):
            ids[end + 1] = config.newline_id


def _crop_grids(token_map: TokenMap, runs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """(rows, columns) of tokens of each crop of a prompt, in the order of its positions."""
    lengths = {first: end - first for first, end in runs}
    grids: list[list[int]] = []
    for view in token_map.views:
        rows, columns = (int(side) for side in view.grid)
        if view.name != "tiles":
            grids.append([rows, columns])
            continue
        # a row of a slice ends where the next token of the grid's row stands further on
        ends = np.flatnonzero(np.diff(view.positions[:columns]) != 1)
        wide = int(ends[0]) + 1 if len(ends) else columns
        tall = lengths[int(view.positions[0])] // wide
        grids.extend([[tall, wide]] * (rows // tall * (columns // wide)))
    return grids
