"""LFM3-VL: any resolution as in Qwen-VL, in front of convolutions, short windows and full attention.

Image tokens have plain positions, one after another. The tower mixes patches by small convolutions in most
of its layers and by attention in the others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.hybrid import HybridFamily, hybrid_limits
from vlmscope.models.decoders.mrope import MropeFamily

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from vlmscope.models.prompts.prompt import PromptRequest
    from vlmscope.types import TokenMap

__all__ = ["Lfm3VlFamily"]

_SLIDING, _FULL = "sliding_attention", "full_attention"


class Lfm3VlFamily(HybridFamily, MropeFamily):
    """``Lfm3VlForConditionalGeneration`` of transformers."""

    id = "lfm3-vl"
    model_types = ("lfm3_vl",)
    checkpoints = (Checkpoint("LiquidAI/LFM3-VL-2B", "2B", "unknown"),)
    limits = (
        *hybrid_limits("short convolutions"),
        "half of its attention layers look back at a window of 256 positions: in a longer prompt they do "
        "not see the image",
        "what an attention layer reads is scaled by an output gate afterwards, which rows do not show",
    )
    processor_class = "Lfm3VlProcessor"
    image_processors = ("Qwen2VLImageProcessor",)
    delimiters = ("vision_start_token_id", "vision_end_token_id")

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Nothing: positions are those of the sequence."""
        return {}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        return {}

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        return Family.remembered(self, hf)

    def lasting_cache(self, hf: PreTrainedModel) -> Any:
        """States for the convolutions, and all keys of the sliding layers: windows are in the masks."""
        from transformers import DynamicCache

        config = copy.deepcopy(self.decoder(hf).config)
        config.layer_types = [_FULL if kind == _SLIDING else kind for kind in config.layer_types]
        return DynamicCache(config=config)
