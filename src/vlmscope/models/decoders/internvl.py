"""InternVL: the image stretched to 448-pixel tiles, a thumbnail after them, four patches to a token.

Qianfan-OCR is the same model with a Qwen3 decoder, behind a processor whose template writes ``<image>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.internvl_clips import InternVlClips, internvl_tile
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_image_class, check_parts, check_tokens
from vlmscope.models.layout.stretched import stretched_inputs
from vlmscope.models.layout.tiles import nearest_arrangement
from vlmscope.models.prompts.prompt import Expansion
from vlmscope.models.prompts.written_boxes import BoxConvention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["InternVlFamily", "QianfanOcrFamily"]


class InternVlFamily(Family):
    """``InternVLForConditionalGeneration`` of transformers.

    Attributes:
        processor_class: of transformers, named in errors.
        tower: type of the vision tower.
    """

    id = "internvl"
    model_types: tuple[str, ...] = ("internvl",)
    processor_class = "InternVLProcessor"
    tower = "internvl_vision"
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint(
            "OpenGVLab/InternVL3-1B-hf", "0.9B", "unknown", "only ids that end in -hf are read"
        ),
        Checkpoint(
            "OpenGVLab/InternVL3-8B-hf", "8B", "unknown", "only ids that end in -hf are read"
        ),
    )
    format_hints: tuple[FormatHint, ...] = (
        FormatHint(
            "OpenGVLab/InternVL3-8B-hf and others whose name ends in -hf",
            model_type="internvl_chat",
        ),
    )
    boxes: BoxConvention | None = BoxConvention(
        "Please provide the bounding box coordinate of the region this sentence describes: "
        "<ref>{phrase}</ref>",
        form="lists",
        full=1000.0,
        marks=("<box>", "</box>"),
        source="InternVL documentation (chat data format), issues 227 and 285: parts of the original "
        "image, 0 to 1000",
    )

    clips: ClipReader | None = InternVlClips()

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        tower, strategy = (
            hf.config.vision_config.model_type,
            hf.config.vision_feature_select_strategy,
        )
        if tower != self.tower or strategy != "default":
            raise UnsupportedError(
                f"This {self.id} has a vision tower of type {tower!r} with "
                f"vision_feature_select_strategy={strategy!r}; known is {self.tower} with 'default'. "
                "Where its image tokens lie is not known, so nothing is guessed."
            )
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("GotOcr2ImageProcessor",))
        # a processor of another tile size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        # the whole processor asks for tiles, whatever the image processor's own settings say
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt", crop_to_patches=True)
        frames = values["pixel_values"]  # (frames, channels, height, width)
        tile = internvl_tile(hf, (int(frames.shape[-2]), int(frames.shape[-1])))
        size = int(pixels.shape[0]), int(pixels.shape[1])
        tiles = nearest_arrangement(
            size, tile.side, int(images.min_patches), int(images.max_patches)
        )
        written = str(processor.replace_image_token(values, 0))
        expansion = Expansion.of(written, str(processor.image_token))
        return stretched_inputs(frames, expansion, size, tile, tiles)


class QianfanOcrFamily(InternVlFamily):
    """``QianfanOCRForConditionalGeneration`` of transformers."""

    id = "qianfan-ocr"
    model_types = ("qianfan_ocr",)
    processor_class = "QianfanOCRProcessor"
    tower = "qianfan_ocr_vision"
    checkpoints = (Checkpoint("baidu/Qianfan-OCR", "4B", "unknown", "documents"),)
    format_hints = ()
    boxes = None
    clips = None  # pictures alone are proved

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.image_placeholder_token)
