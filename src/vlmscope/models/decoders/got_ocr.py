"""GOT-OCR 2 and PP-Chart2Table: the image stretched to one square of SAM's tower, 16x16 tokens.

Two strided convolutions of 3x3 bring the tower's patches to tokens, four to a side: their field reaches
three quarters of a token up and to the left of its own rectangle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_image_class, check_parts, check_tokens
from vlmscope.models.layout.stretched import stretched_inputs
from vlmscope.models.layout.tiles import Tile, nearest_arrangement
from vlmscope.models.layout.vision_towers import check_tower, tower_sides
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt, write_chat

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

__all__ = ["TEMPLATE", "GotOcrFamily", "PpChart2TableFamily"]

_PAD = "<imgpad>"
TEMPLATE = (
    "<|im_start|>system\nYou should follow the instructions carefully and explain your answers in "
    "detail.<|im_end|><|im_start|>user\n{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<img><imgpad></img>\n{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}<|im_end|><|im_start|>assistant{{ '\n' }}"
)
"""What GOT-OCR's processor writes around a question by itself; its checkpoint has no template."""

# two convolutions of stride 2
_PATCHES = 4


class GotOcrFamily(Family):
    """``GotOcr2ForConditionalGeneration`` of transformers."""

    id = "got-ocr"
    model_types: tuple[str, ...] = ("got_ocr2",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("stepfun-ai/GOT-OCR-2.0-hf", "0.6B", "Apache-2.0", "reads text: ask for 'OCR:'"),
    )
    placements: tuple[str, ...] = ("processor", "tiles")
    many_images = False
    limits: tuple[str, ...] = (
        "one image per prompt",
        "a token reaches three quarters of a cell up and to the left of its rectangle",
    )
    processor_class = "GotOcr2Processor"
    image_processors: tuple[str, ...] = ("GotOcr2ImageProcessor",)
    tower = "got_ocr2_vision"

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        return f"<img>{self.placeholder(hf, processor)}</img>"

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        if preset != "chat":
            return super().write(hf, processor, request, preset, system)
        template = TEMPLATE.replace(_PAD, self.placeholder(hf, processor))
        bos = processor.tokenizer.bos_token
        return write_chat(request.prompt, processor, bos, request.images, template)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tokens(hf, processor, self.image_token_id(hf), _PAD)
        check_image_class(processor, self.image_processors)
        check_tower(hf, (self.tower,))
        # a processor of another image size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images, size = processor.image_processor, (int(pixels.shape[0]), int(pixels.shape[1]))
        cut = {"crop_to_patches": True} if placement == "tiles" else {}
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt", **cut)
        frames = values["pixel_values"]  # (frames, channels, height, width)
        tile = _tile(hf, frames)
        tiles = 1, 1
        if cut:
            tiles = nearest_arrangement(
                size, tile.side, int(images.min_patches), int(images.max_patches)
            )
        token = str(processor.tokenizer.convert_ids_to_tokens(self.image_token_id(hf)))
        expansion = Expansion.of(self.written(hf, processor, values), token)
        return stretched_inputs(frames, expansion, size, tile, tiles)

    def written(self, hf: PreTrainedModel, processor: Any, values: Any) -> str:
        """What the processor writes for an image whose values these are."""
        return str(
            processor.replace_image_token(
                values,
                0,
                num_pages_per_batch=[1],
                patch_indices=[1],
                num_image_tokens=int(processor.num_image_tokens),
            )
        )


class PpChart2TableFamily(GotOcrFamily):
    """``GotOcr2ForConditionalGeneration`` under the name ``pp_chart2table``.

    Its processor replaces nothing: the prompt's text holds every image token from the start.
    """

    id = "pp-chart2table"
    model_types = ("pp_chart2table",)
    checkpoints = (
        Checkpoint("PaddlePaddle/PP-Chart2Table_safetensors", "0.6B", "unknown", "charts"),
    )
    placements = ("processor",)
    many_images = True
    limits = GotOcrFamily.limits[1:]
    processor_class = "PPChart2TableProcessor"
    image_processors = ("PPChart2TableImageProcessor",)
    tower = "pp_chart2table_vision"

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        side, patch = tower_sides(hf)
        return super().placeholder(hf, processor) * (side // patch // _PATCHES) ** 2

    def written(self, hf: PreTrainedModel, processor: Any, values: Any) -> str:
        return self.placeholder(hf, processor)


def _tile(hf: PreTrainedModel, frames: Tensor) -> Tile:
    """The tokens of one frame.

    Raises:
        ModelMismatchError: for frames (frames, channels, height, width) that the tower does not take.
    """
    side, patch = tower_sides(hf)
    made = int(frames.shape[-2]), int(frames.shape[-1])
    if made != (side, side) or side % (patch * _PATCHES):
        raise ModelMismatchError(
            f"The processor makes squares of {made[0]}x{made[1]} pixels; the model's vision tower takes "
            f"{side}x{side}, a multiple of {patch * _PATCHES}. Load the processor that belongs to the "
            "model."
        )
    return Tile(side, side // patch // _PATCHES, patch * _PATCHES)
