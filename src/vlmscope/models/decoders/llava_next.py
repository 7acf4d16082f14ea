"""LLaVA-NeXT (LLaVA-1.6): the squashed image first, then tiles of up to four times its resolution."""

from __future__ import annotations

from vlmscope.models.layout.anyres import AnyresFamily

__all__ = ["LlavaNextFamily"]


class LlavaNextFamily(AnyresFamily):
    """``LlavaNextForConditionalGeneration`` of transformers."""

    id = "llava-next"
    model_types = ("llava_next",)
    processor_class = "LlavaNextProcessor"
    image_processors = ("LlavaNextImageProcessor",)
