"""Video-LLaVA: LLaVA with a tower for pictures beside one for clips."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.cropped_clips import ClassTokenClips
from vlmscope.models.decoders.llava import LlavaFamily

__all__ = ["VideoLlavaFamily"]


class VideoLlavaFamily(LlavaFamily):
    """``VideoLlavaForConditionalGeneration`` of transformers."""

    id = "video-llava"
    model_types = ("video_llava",)
    foreign_types = ()
    checkpoints = (Checkpoint("LanguageBind/Video-LLaVA-7B-hf", "7B", "unknown"),)
    processor_class = "VideoLlavaProcessor"
    clips = ClassTokenClips()
    limits = (
        *LlavaFamily.limits,
        "of a clip's frames the middle square alone is seen; it was trained with eight frames",
    )
    boxes = None
