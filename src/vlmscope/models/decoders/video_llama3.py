"""VideoLLaMA 3, reading images: a SigLIP tower for any resolution in front of Qwen2.5.

How many patches make a token is said by the image processor, image by image: one for pictures as it is
published. Where it is more, their features are averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.any_resolution import AnyResolutionFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["VideoLlama3Family"]


class VideoLlama3Family(AnyResolutionFamily):
    """``VideoLlama3ForConditionalGeneration`` of transformers."""

    id = "video-llama-3"
    model_types = ("video_llama_3",)
    checkpoints = (Checkpoint("lkhl/VideoLLaMA3-2B-Image-HF", "2B", "Apache-2.0"),)
    processor_class = "VideoLlama3Processor"
    image_processors = ("VideoLlama3ImageProcessor",)
    image_tensors = ("pixel_values", "image_grid_thw", "image_merge_sizes")

    def merge(self, hf: PreTrainedModel, processor: Any) -> int:
        return int(processor.image_processor.merge_size)

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        # transformers' class computes the logits of every position, and takes no choice of them
        hidden: Tensor = hf.model(**inputs).last_hidden_state
        return self.head(hf, hidden[:, positions])
