"""HyperCLOVA X SEED (vision, second version): the tower of Qwen2.5-VL in front of a plain decoder.

Positions count one by one, through the image too; logits are multiplied by a number of the config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.mrope import MropeFamily
from vlmscope.models.prompts.prompt import PromptRequest
from vlmscope.models.rotary import moving_frequencies

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["HyperClovaxFamily"]


class HyperClovaxFamily(MropeFamily):
    """``HyperCLOVAXVisionV2ForConditionalGeneration`` of transformers."""

    id = "hyperclovax"
    model_types = ("hyperclovax_vision_v2",)
    checkpoints = (
        Checkpoint(
            "naver-hyperclovax/HyperCLOVAX-SEED-Think-32B", "32B", "unknown", "thinks first"
        ),
    )
    processor_class = "HyperCLOVAXVisionV2Processor"
    image_processors = ("Qwen2VLImageProcessor",)

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        """The placeholder alone: delimiters are the chat template's, and the config names none."""
        return self.placeholder(hf, processor)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Nothing: every position is one more than the last."""
        return {}

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        return super().head(hf, hidden) * float(self.decoder(hf).config.logits_scaling)

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        """No offset of positions: there is none."""
        return moving_frequencies(self.decoder(hf))
