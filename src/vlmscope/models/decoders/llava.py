"""LLaVA: a CLIP or SigLIP tower, a projector, any causal decoder; one grid of image tokens.

The published LLaVA-1.5 pads an image to a square; the processor of its transformers checkpoints
crops the centre and never sees the sides of a wide image. Both are offered, ``pad`` is the default
for grounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import check_parts, check_tokens
from vlmscope.models.layout.vision_towers import check_selection, has_class_token
from vlmscope.models.prompts.prompt import Expansion
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.models.spare_weights import TOWER_HEAD

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["LlavaFamily"]


# the fixed sentence with which LLaVA-1.5 was tuned and the paper's code prompts
_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


_ORIGINAL = "in the original LLaVA format"


class LlavaFamily(Family):
    """``LlavaForConditionalGeneration`` of transformers.

    Attributes:
        processor_class: of transformers, named in errors.
    """

    id = "llava"
    model_types = ("llava",)
    foreign_types: tuple[str, ...] = ("llava_llama", "LlavaLlamaForCausalLM", "share4v")
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint(
            "tiny-llava",
            "3.8M",
            "Apache-2.0",
            "ships inside vlmscope; knows rendered shapes, not photographs",
            embedded=True,
        ),
        Checkpoint(
            "tiny-llava-crowd",
            "3.8M",
            "Apache-2.0",
            "ships inside vlmscope; crowded rendered shapes; most heads look beside what is asked for",
            embedded=True,
        ),
        Checkpoint(
            "llava-hf/llava-1.5-7b-hf", "7B", "Llama 2 Community License", "published heads"
        ),
        Checkpoint(
            "llava-hf/llava-1.5-13b-hf", "13B", "Llama 2 Community License", "published heads"
        ),
        Checkpoint("liuhaotian/llava-v1.5-7b", "7B", "Llama 2 Community License", _ORIGINAL),
        Checkpoint("liuhaotian/llava-v1.5-13b", "13B", "Llama 2 Community License", _ORIGINAL),
        Checkpoint("Lin-Chen/ShareGPT4V-7B", "7B", "unknown", f"{_ORIGINAL}; own vision tower"),
        Checkpoint("01-ai/Yi-VL-6B", "6B", "unknown", f"{_ORIGINAL}; ViT-H at 448 pixels"),
        Checkpoint("01-ai/Yi-VL-34B", "34B", "unknown", f"{_ORIGINAL}; ViT-H at 448 pixels"),
        Checkpoint("llava-hf/bakLlava-v1-hf", "7B", "unknown", "Mistral decoder"),
        Checkpoint("xtuner/llava-llama-3-8b-v1_1-transformers", "8B", "unknown", "Llama 3 decoder"),
    )
    processor_class = "LlavaProcessor"
    spare_weights = (TOWER_HEAD,)
    presets = ("paper", "chat")
    paper_system = _SYSTEM
    placements = ("pad", "processor")
    limits: tuple[str, ...] = (
        "one square grid: pad wastes tokens on borders, crop never sees the sides",
    )
    boxes: BoxConvention | None = BoxConvention(
        "Provide the bounding box coordinate of the region this sentence describes: {phrase}",
        form="lists",
        full=1.0,
        frame="shown",
        source="LLaVA issue 606: parts of the square that the image was padded to",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_selection(hf, self.selection(hf), keeps_class=True)
        check_tokens(hf, processor, self.image_token_id(hf))
        # a processor of another image size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        image_processor = processor.image_processor
        fitted = fit_image(pixels, image_processor, placement)
        # the padding is done already, and a PIL image leaves no doubt which axis holds the channels
        options = {"do_pad": False} if hasattr(image_processor, "do_pad") else {}
        made = image_processor(
            images=[Image.fromarray(fitted.pixels)], return_tensors="pt", **options
        )
        [values] = (made[name] for name in ("pixel_values", "pixel_values_images") if name in made)
        size = (int(values.shape[-2]), int(values.shape[-1]))
        if size != fitted.size:
            raise ModelMismatchError(
                f"{type(image_processor).__name__} made {size[0]}x{size[1]} pixels where its settings "
                f"say {fitted.size[0]}x{fitted.size[1]}. Its geometry is unknown, so boxes would be "
                "wrong; use the image processor that belongs to the model."
            )
        grid = self._grid(hf, size)
        extra = self._leading_tokens(hf)
        layout = GridLayout(
            "image",
            np.arange(grid[0] * grid[1]) + extra,
            *fitted.edges(grid, int(hf.config.vision_config.patch_size)),
        )
        token = str(processor.tokenizer.convert_ids_to_tokens(self.image_token_id(hf)))
        # LLaVA 1 was trained with a token before and one behind the picture
        before, behind = getattr(hf.config, "image_delimiters", None) or ("", "")
        expansion = Expansion(f"{before}{token}{behind}", (grid[0] * grid[1] + extra,))
        return ImageInputs({"pixel_values": values}, expansion, (layout,), fitted.placement)

    def _grid(self, hf: PreTrainedModel, size: tuple[int, int]) -> tuple[int, int]:
        vision = hf.config.vision_config
        patch = int(vision.patch_size)
        grid = size[0] // patch, size[1] // patch
        side = int(vision.image_size) // patch
        if size != (int(vision.image_size),) * 2:
            raise ModelMismatchError(
                f"The processor makes {size[0]}x{size[1]} pixels = {grid[0]}x{grid[1]} image tokens, "
                f"the model's vision tower takes {side}x{side} (image {vision.image_size}, patch "
                f"{patch}). Load the processor that belongs to the model."
            )
        return grid

    def _leading_tokens(self, hf: PreTrainedModel) -> int:
        """1 where the tower's class token is kept in front of the patches, else 0."""
        return int(self.selection(hf) == "full" and has_class_token(hf))

    def selection(self, hf: PreTrainedModel) -> str:
        """``"default"``: the tower's first token is dropped; ``"full"``: all are kept."""
        return str(hf.config.vision_feature_select_strategy)
