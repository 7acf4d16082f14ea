"""The thinkers of Qwen2.5-Omni and Qwen3-Omni: Qwen-VL's images in front of a decoder that also hears.

A thinker is the part that reads and answers in words; of a checkpoint that holds all parts it alone is
loaded. Images go through it as through Qwen2.5-VL and
Qwen3-VL; sound is not read here, and the talker, which speaks, is not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.qwen_vl import QwenVlFamily, deepest_added_feature
from vlmscope.models.prompts.prompt import PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Qwen3OmniThinkerFamily", "Qwen25OmniThinkerFamily"]

_DEAF = (
    "pictures and text alone are read: sound is not, and the talker, which speaks, is no part of it"
)


class OmniThinkerFamily(QwenVlFamily):
    """What the generations share."""

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        """Delimiters by the tokenizer's own names: the config knows the first alone."""
        words = processor.tokenizer
        return f"{words.vision_bos_token}{self.placeholder(hf, processor)}{words.vision_eos_token}"

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Positions by the model's own rule, (3, batch, positions): time, row, column.

        The rule wants a token behind every image: where a prefix ends with one, it gets one to count.
        """
        ids, mask = batch["input_ids"], batch["attention_mask"]
        positions, _ = hf.model.get_rope_index(
            torch.cat([ids, torch.zeros_like(ids[:, :1])], dim=1),
            image_grid_thw=batch["image_grid_thw"],
            attention_mask=torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1),
        )
        return {"position_ids": positions[..., :-1].long()}

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        """A thinker's own forward pass gives the logits of every position, wanted or not."""
        hidden: Tensor = hf.model(**inputs).last_hidden_state
        return self.head(hf, hidden[:, positions.to(hidden.device)])


class Qwen25OmniThinkerFamily(OmniThinkerFamily):
    """``Qwen2_5OmniThinkerForConditionalGeneration`` of transformers."""

    id = "qwen2.5-omni-thinker"
    model_types = ("qwen2_5_omni_thinker", "qwen2_5_omni")
    auto_class = "Qwen2_5OmniThinkerForConditionalGeneration"
    checkpoints = (
        Checkpoint("Qwen/Qwen2.5-Omni-7B", "11B", "Apache-2.0", "the thinker of it is loaded"),
    )
    processor_class = "Qwen2_5OmniProcessor"
    limits = (_DEAF,)


class Qwen3OmniThinkerFamily(OmniThinkerFamily):
    """``Qwen3OmniMoeThinkerForConditionalGeneration`` of transformers."""

    id = "qwen3-omni-thinker"
    model_types = ("qwen3_omni_moe_thinker", "qwen3_omni_moe")
    auto_class = "Qwen3OmniMoeThinkerForConditionalGeneration"
    checkpoints = (
        Checkpoint(
            "Qwen/Qwen3-Omni-30B-A3B-Instruct", "35B", "Apache-2.0", "the thinker of it is loaded"
        ),
    )
    processor_class = "Qwen3OmniMoeProcessor"
    limits = (
        _DEAF,
        "visual features also enter the first decoder layers directly, at the image's own positions: "
        "blocking edges to those positions hides them, blocking edges from them does not",
    )

    def image_enters_until(self, hf: PreTrainedModel) -> int:
        return deepest_added_feature(hf)
