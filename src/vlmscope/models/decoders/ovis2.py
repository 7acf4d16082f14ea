"""Ovis2: a thumbnail, then tiles with indicator tokens between them; tokens are visual words.

What the chat template writes for an image is not what its tokens are called: ``<image>`` becomes
``<IMG_START>``, runs of ``<IMG_ATOM>`` with ``<IMG_GRID>``, ``<IMG_COL>`` and ``<IMG_ROW>`` between
them, and ``<IMG_END>``. These indicators have visual embeddings of their own: the image role, no place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_counts, check_image_class, check_parts
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts
from vlmscope.models.layout.vision_towers import tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Ovis2Family"]

_ATOM = "<IMG_ATOM>"
# in the order in which the model numbers their embeddings
_INDICATORS = ("<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>")


class Ovis2Family(Family):
    """``Ovis2ForConditionalGeneration`` of transformers."""

    id = "ovis2"
    model_types = ("ovis2",)
    checkpoints = (
        Checkpoint("thisisiron/Ovis2-1B-hf", "1.3B", "Apache-2.0"),
        Checkpoint("thisisiron/Ovis2-2B-hf", "2.5B", "Apache-2.0"),
    )
    format_hints = (
        FormatHint("thisisiron/Ovis2-8B-hf and others whose name ends in -hf", model_type="ovis"),
    )
    limits = (
        "with use_covering_area_grid, transformers (5.23) exchanges rows and columns of tiles: a wide "
        "image is stretched to a column of tiles and a tall one to a row; rectangles follow what the "
        "model is given",
    )

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.image_token)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Ovis2Processor")
        _check_words(hf, processor.tokenizer)
        kind = hf.config.vision_config.tokenize_function
        if kind == "gumbel_argmax":
            raise UnsupportedError(
                "tokenize_function='gumbel_argmax' draws image tokens at random: no two passes would "
                "see the same image. Set it to 'st_argmax' or 'softmax' in the config."
            )
        check_image_class(processor, ("Ovis2ImageProcessor",))
        if getattr(processor.image_processor, "do_center_crop", False):
            raise ModelMismatchError(
                "This Ovis2 image processor crops tiles (do_center_crop), which the model was not made "
                "for. Load the processor that belongs to the model."
            )
        # a processor of another tile size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        frames = values["pixel_values"]  # (frames, channels, height, width)
        tile = _tile(hf, (int(frames.shape[-2]), int(frames.shape[-1])))
        rows, columns = (int(count) for count in values["grids"][0])
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), _ATOM)
        count = rows * columns
        check_counts(expansion.tokens, len(frames) * tile.tokens)
        check_counts(expansion.tokens, (count + (count > 1)) * tile.tokens)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        layouts = tuple(stretched_layouts(size, tile, (rows, columns), thumbnail_first=True))
        kind = "squash" if squashed(size, (rows, columns)) else "resize"
        return ImageInputs({"pixel_values": frames}, expansion, layouts, kind)


def _check_words(hf: PreTrainedModel, tokenizer: Any) -> None:
    words = (_ATOM, *_INDICATORS)
    expected = [int(hf.config.image_token_id), *map(int, hf.config.visual_indicator_token_ids)]
    ids = [tokenizer.convert_tokens_to_ids(word) for word in words]
    if ids != expected:
        raise ModelMismatchError(
            f"The tokenizer has {dict(zip(words, ids, strict=True))}, the model expects the ids "
            f"{expected}. Load the processor that belongs to the model."
        )
    rows = hf.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelMismatchError(
            f"The tokenizer has {len(tokenizer)} tokens, the model embeds {rows}. "
            "Load the processor that belongs to the model."
        )


def _tile(hf: PreTrainedModel, frame: tuple[int, int]) -> Tile:
    """The tokens of a frame of (height, width) pixels.

    Raises:
        ModelMismatchError: for a frame of another size than the tower's.
        UnsupportedError: for a stride that does not divide the patches.
    """
    side, patch = tower_sides(hf)
    if frame != (side, side):
        raise ModelMismatchError(
            f"The processor makes tiles of {frame[0]}x{frame[1]} pixels, the model's vision tower takes "
            f"{side}x{side}. Load the processor that belongs to the model."
        )
    patches, stride = side // patch, int(hf.config.vision_config.hidden_stride)
    if patches % stride:
        raise UnsupportedError(
            f"The vision tower's {patches} patches per side are no multiple of hidden_stride={stride}; "
            "transformers cannot merge them into tokens."
        )
    return Tile(side, patches // stride, patch * stride)
