"""LLaVA-NeXT-Video reading pictures: as LLaVA-NeXT; its way with clips is left out."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
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
    limits = ("pictures only: clips, whose frames it pools to coarser tokens, are not read",)
