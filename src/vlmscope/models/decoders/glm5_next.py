"""GLM-5.3-Flash: GLM-OCR's tower in front of a hybrid decoder without positions.

Three of four layers are delta rules (a linear attention with a state of fixed size and a short convolution).
Every fourth is attention over keys that an indexer of its own picks for each query, in pools, as many as
``index_topk`` of them: its rows are zero elsewhere. Images keep their ratio and are filled up with black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.any_resolution import AnyResolutionFamily
from vlmscope.models.decoders.glm4v import GlmPrompts
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.processor_checks import check_fills

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Glm5NextFamily"]

_LINEAR = "linear_attention"


class Glm5NextFamily(GlmPrompts, HybridFamily, AnyResolutionFamily):
    """``Glm5NextForConditionalGeneration`` of transformers."""

    id = "glm-5-next"
    model_types = ("glm5_next",)
    checkpoints = (Checkpoint("zai-org/GLM-5.3-Flash", "unknown", "unknown"),)
    processor_class = "Glm5NextProcessor"
    image_processors = ("Glm5NextImageProcessor",)
    parallel_streams = True
    delimiters = ("image_start_token_id", "image_end_token_id")
    limits = (
        *hybrid_limits("delta rules (linear attention)"),
        "an indexer picks the keys that each query may read, in sequences longer than index_topk: rows are "
        "zero elsewhere, and it looks at the image whatever is blocked",
        "its residual stream has several channels side by side, so nothing is computed from the hidden "
        "states of one layer",
    )

    def row_layers(self, hf: PreTrainedModel) -> tuple[int, ...]:
        kinds = self.decoder(hf).config.layer_types
        return tuple(number for number, kind in enumerate(kinds) if kind != _LINEAR)

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        return False

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_fills(processor)
        super().check(hf, processor)

    def edges(
        self, hf: PreTrainedModel, processor: Any, size: tuple[int, int], grid: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
        images = processor.image_processor
        cell = int(images.patch_size) * self.merge(hf, processor)
        scale = min(cells * cell / side for side, cells in zip(size, grid, strict=True))
        if size[0] * size[1] >= int(images.min_image_tokens) * cell**2:
            scale = min(1.0, scale)
        new = [
            max(1, min(cells * cell, int(side * scale)))
            for side, cells in zip(size, grid, strict=True)
        ]
        y_edges, x_edges = (
            Axis(after / before, 0.0).to_original(np.arange(cells + 1, dtype=np.float64) * cell)
            for before, after, cells in zip(size, new, grid, strict=True)
        )
        filled = new != [cells * cell for cells in grid]
        return y_edges, x_edges, "pad" if filled else "resize"
