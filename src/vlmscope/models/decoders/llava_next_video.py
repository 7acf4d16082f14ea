"""LLaVA-NeXT-Video: pictures as LLaVA-NeXT reads them, clips of pooled frames."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.cropped_clips import PooledClips
from vlmscope.models.layout.anyres import AnyresFamily

__all__ = ["LlavaNextVideoFamily"]


class LlavaNextVideoFamily(AnyresFamily):
    """``LlavaNextVideoForConditionalGeneration`` of transformers."""

    id = "llava-next-video"
    model_types = ("llava_next_video",)
    checkpoints = (
        Checkpoint("llava-hf/LLaVA-NeXT-Video-7B-hf", "7B", "Llama 2 Community License"),
        Checkpoint("llava-hf/LLaVA-NeXT-Video-34B-hf", "34B", "unknown"),
    )
    processor_class = "LlavaNextVideoProcessor"
    image_processors = ("LlavaNextImageProcessor",)
    clips = PooledClips()
    limits = ("of a clip's frames the middle square alone is seen, in tokens pooled to a quarter",)
