"""Molmo 2: the squashed image, then overlapping tiles of the stretched one, 2x2 patches to a token.

Tiles overlap so that the vision tower sees what lies around their borders; of the patches that two tiles
share, one is kept, so the tokens of all tiles make ONE grid over the image. Everything that stands in place
of images, delimiters and ends of rows included, attends to each other both ways, several images among
themselves too; nothing of it sees the text, so an image prefix is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, WrittenPrompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["Molmo2Family", "pooled_edges"]

_TENSORS = ("pixel_values", "image_token_pooling", "image_grids", "image_num_crops")


class Molmo2Family(Family):
    """``Molmo2ForConditionalGeneration`` of transformers."""

    id = "molmo2"
    model_types = ("molmo2",)
    torchvision = True
    checkpoints = (
        Checkpoint("allenai/Molmo2-4B", "4B", "Apache-2.0"),
        Checkpoint("allenai/Molmo2-8B", "8B", "Apache-2.0"),
        Checkpoint("allenai/Molmo2-O-7B", "7B", "Apache-2.0"),
    )
    limits = (
        "its files hold queries, keys and values as one tensor: rows from hidden states need the loaded "
        "model, and a model handed to from_pretrained_model is recorded as changed",
        "images are made smaller without smoothing, so pixels between those that are taken change nothing",
        "it answers where things are by points, in a form that is not read here",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Molmo2Processor")
        check_image_class(processor, ("Molmo2ImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf), "<im_patch>")
        images, vision = processor.image_processor, hf.config.vision_config
        wanted = [int(value) for value in vision.image_size]
        made = [int(images.size["height"]), int(images.size["width"])]
        if made != wanted or int(images.patch_size) != int(vision.patch_size):
            raise ModelMismatchError(
                f"The processor makes tiles of {made} pixels in patches of {images.patch_size}, the "
                f"model's vision tower takes {wanted} in patches of {vision.patch_size}. Load the "
                "processor that belongs to the model."
            )
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """What templates write; an image's tokens are patches."""
        return str(processor.image_token)

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """Every prompt begins with BOS, or with EOS where the vocabulary has no BOS."""
        written = super().write(hf, processor, request, preset, system)
        first = str(processor.tokenizer.bos_token or processor.tokenizer.eos_token)
        return written if written.text.startswith(first) else written.behind(first)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), "<im_patch>")
        low_rows, low_columns, rows, columns = (int(each) for each in values["image_grids"][0])
        first = low_rows * low_columns
        check_counts(expansion.tokens, first + rows * columns)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        whole = int(images.size["height"]) // int(images.patch_size)
        canvas = [patches // int(images.patch_size) for patches in _canvas(images, size)]
        pools = [int(each) for each in images.pooling_size]
        grids = [((low_rows, low_columns), (whole, whole)), ((rows, columns), tuple(canvas))]
        layouts = []
        for name, start, (cells, patches) in zip(
            ("thumbnail", "tiles"), (0, first), grids, strict=True
        ):
            y, x = (
                pooled_edges(*each) * (length / each[0])
                for *each, length in zip(patches, pools, size, strict=True)
            )
            check_counts(cells[0] * cells[1], (len(y) - 1) * (len(x) - 1))
            layouts.append(GridLayout(name, np.arange(cells[0] * cells[1]) + start, y, x))
        tensors = {each: values[each] for each in _TENSORS}
        return ImageInputs(tensors, expansion, tuple(layouts), "squash")

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """Tiles behind one another; patches are named by their place among those of all images."""
        flat = [image.tensors for images in items for image in images]
        joined = {name: torch.cat([each[name] for each in flat]) for name in _TENSORS}
        pooling, before = [], 0
        for each in flat:
            places = each["image_token_pooling"]
            pooling.append(torch.where(places >= 0, places + before, places))
            before += each["pixel_values"].shape[0] * each["pixel_values"].shape[1]
        return {**joined, "image_token_pooling": torch.cat(pooling)}

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Which positions stand in place of an image, delimiters and ends of rows included.

        Returns:
            ``mm_token_type_ids`` (batch, positions): 1 for these.
        """
        ids = torch.tensor(processor.image_token_ids)
        return {"mm_token_type_ids": torch.isin(batch["input_ids"], ids).long()}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        types = torch.zeros_like(batch["input_ids"])
        types[0, torch.from_numpy(token_map.positions("image"))] = 1
        return {"mm_token_type_ids": types}


def _canvas(images: Any, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) in pixels that an image is stretched to before it is cut into tiles."""
    from transformers.models.molmo2.image_processing_molmo2 import compute_crop_geometry

    _, _, height, width = compute_crop_geometry(
        *size,
        max_crops=int(images.max_crops),
        overlap_margins=list(images.overlap_margins),
        crop_size=int(images.size["height"]),
        patch_size=int(images.patch_size),
    )
    return int(height), int(width)


def pooled_edges(patches: int, pool: int) -> NDArray[np.float64]:
    """Edges of tokens along one axis, in patches: float (tokens + 1,).

    Args:
        patches: along the axis. Where they are no multiple of ``pool``, what is missing lies on both
            sides, the odd one behind, and tokens there are of fewer patches.
        pool: patches of a token.
    """
    tokens = -(-patches // pool)
    before = (tokens * pool - patches) // 2
    edges = np.arange(tokens + 1, dtype=np.float64) * pool - before
    return np.clip(edges, 0.0, float(patches))
