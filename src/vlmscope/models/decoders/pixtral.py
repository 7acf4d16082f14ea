"""Pixtral: a tower for any resolution inside transformers' LLaVA, one patch to a token.

Rows of tokens end in ``[IMG_BREAK]``, the last in ``[IMG_END]``, as in Mistral 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.errors import UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.pixtral_tower import PixtralTowerFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["PixtralFamily"]


class PixtralFamily(PixtralTowerFamily):
    """``LlavaForConditionalGeneration`` of transformers with a ``PixtralVisionModel``."""

    id = "pixtral"
    model_types = ("llava",)
    only_tower = "pixtral"
    checkpoints = (Checkpoint("mistral-community/pixtral-12b", "12B", "Apache-2.0"),)
    processor_class = "PixtralProcessor"

    def merge(self, hf: PreTrainedModel) -> int:
        return 1

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        super().check(hf, processor)
        strategy = hf.config.vision_feature_select_strategy
        if strategy != "full":
            raise UnsupportedError(
                f"vision_feature_select_strategy={strategy!r} drops the first token, but a Pixtral tower "
                "has no class token: the first patch would be lost. Set it to 'full' in the config."
            )
