"""How GLM-V reads a clip: patches of two frames, and behind each step the seconds of its first in words.

The tokens are those of pictures; that they belong to a clip is told beside the ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vlmscope.models.decoders.qwen_clips import Qwen3Clips
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["GlmClips"]


class GlmClips(Qwen3Clips):
    """As Qwen3-VL, within one image's budget together; every step is written as a picture."""

    def token_id(self, hf: PreTrainedModel) -> int:
        return int(hf.config.image_token_id)

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.video_token)

    def text(self, hf: PreTrainedModel, processor: Any) -> str:
        ids = [int(hf.config.video_start_token_id), int(hf.config.video_end_token_id)]
        start, end = processor.tokenizer.convert_ids_to_tokens(ids)
        return f"{start}{self.placeholder(hf, processor)}{end}"

    def moment(self, times: Sequence[float], span: tuple[int, int]) -> float:
        return times[span[0]]

    def expansion(
        self, hf: PreTrainedModel, processor: Any, tokens: int, moments: Sequence[float]
    ) -> Expansion:
        steps = [processor.replace_frame_token_id(moment, tokens) for moment in moments]
        return Expansion.of("".join(steps), self.token(hf, processor))
