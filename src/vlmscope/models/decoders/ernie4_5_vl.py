"""ERNIE 4.5 VL: experts of its own for the image, delimiters included.

Which experts a token goes through is decided by its id, so the tokens around an image are a part of it
here: a shared image prefix ends behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.mrope import MropeFamily
from vlmscope.models.prompts.prompt import Expansion, PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Ernie45VlFamily"]


class Ernie45VlFamily(MropeFamily):
    """``Ernie4_5_VLMoeForConditionalGeneration`` of transformers."""

    id = "ernie-4.5-vl"
    model_types = ("ernie4_5_vl_moe",)
    checkpoints = (Checkpoint("baidu/ERNIE-4.5-VL-28B-A3B-PT", "28B", "Apache-2.0"),)
    processor_class = "Ernie4_5_VLMoeProcessor"
    image_processors = ("Ernie4_5_VLMoeImageProcessor", "Ernie4_5_VL_MoeImageProcessor")

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """The image token between its delimiters, as templates write it."""
        return "".join(processor.tokenizer.convert_ids_to_tokens(_image_ids(hf)))

    def expansion(self, hf: PreTrainedModel, processor: Any, values: Any) -> Expansion:
        start, _, end = processor.tokenizer.convert_ids_to_tokens(_image_ids(hf))
        tokens = super().expansion(hf, processor, values)
        return replace(tokens, text=f"{start}{tokens.text}{end}")

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """As its kind, and ``moe_mm_token_type_ids``: 1 where the image's experts are at work."""
        ids = batch["input_ids"]
        of_image = torch.isin(ids, torch.tensor(_image_ids(hf), device=ids.device))
        return {
            **super().complete(hf, processor, batch, requests),
            "moe_mm_token_type_ids": of_image.long(),
        }


def _image_ids(hf: PreTrainedModel) -> list[int]:
    """Ids of the token before an image, of the image token, and of the token behind it."""
    config = hf.config
    names = ("image_start_token_id", "image_token_id", "image_end_token_id")
    return [int(getattr(config, name)) for name in names]
