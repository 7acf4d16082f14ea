"""LLaVA-NeXT (LLaVA-1.6): the squashed image first, then tiles of up to four times its resolution."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.anyres import AnyresFamily

__all__ = ["LlavaNextFamily"]


class LlavaNextFamily(AnyresFamily):
    """``LlavaNextForConditionalGeneration`` of transformers."""

    id = "llava-next"
    model_types = ("llava_next",)
    checkpoints = (
        Checkpoint("llava-hf/llava-v1.6-mistral-7b-hf", "7.6B", "Apache-2.0", "Mistral decoder"),
        Checkpoint("llava-hf/llava-v1.6-vicuna-7b-hf", "7B", "Llama 2 Community License"),
        Checkpoint("llava-hf/llava-v1.6-vicuna-13b-hf", "13B", "Llama 2 Community License"),
        Checkpoint(
            "llava-hf/llama3-llava-next-8b-hf", "8B", "Llama 3 Community License", "Llama 3 decoder"
        ),
    )
    format_hints = (FormatHint("llava-hf/llava-v1.6-mistral-7b-hf", model_type="llava_mistral"),)
    processor_class = "LlavaNextProcessor"
    image_processors = ("LlavaNextImageProcessor",)
