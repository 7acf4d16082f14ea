"""Video-LLaVA reading pictures: LLaVA with a tower for pictures beside one for clips."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.llava import LlavaFamily

__all__ = ["VideoLlavaFamily"]


class VideoLlavaFamily(LlavaFamily):
    """``VideoLlavaForConditionalGeneration`` of transformers."""

    id = "video-llava"
    model_types = ("video_llava",)
    foreign_types = ()
    checkpoints = (Checkpoint("LanguageBind/Video-LLaVA-7B-hf", "7B", "unknown"),)
    processor_class = "VideoLlavaProcessor"
    limits = (
        *LlavaFamily.limits,
        "pictures only: clips, which have a tower of their own, are not read",
    )
    boxes = None
