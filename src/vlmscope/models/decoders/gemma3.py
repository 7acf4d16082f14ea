"""Gemma 3: a SigLIP square whose patches are averaged into tokens, and crops of long images.

Tokens of one image attend to each other both ways; everything else is causal, so an image prefix can be
shared. Most layers look back at a window of positions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnknownNameError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.padded_square import check_side
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import FittedImage, fit_image
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.vision_towers import check_tower, tower_sides
from vlmscope.models.prompts.prompt import Expansion, PromptRequest
from vlmscope.models.spare_weights import TOWER_HEAD

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Gemma3Family"]

_CROPS = "pan-and-scan"


class Gemma3Family(Family):
    """``Gemma3ForConditionalGeneration`` of transformers."""

    id = "gemma3"
    model_types = ("gemma3",)
    checkpoints = (
        Checkpoint("google/gemma-3-4b-it", "4.3B", "Gemma Terms of Use", "gated"),
        Checkpoint("google/gemma-3-12b-it", "12B", "Gemma Terms of Use", "gated"),
    )
    spare_weights = (TOWER_HEAD,)
    placements = ("processor", "pad", _CROPS)
    limits = (
        "most layers look back at a window of positions: where a prompt is longer than that, they do not "
        "see the image",
    )

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """Templates write the token that begins an image; another one is repeated for its tokens."""
        return str(processor.boi_token)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Gemma3Processor")
        check_image_class(processor, ("Gemma3ImageProcessor",))
        check_tower(hf, ("siglip_vision_model",))
        token = str(processor.tokenizer.image_token)
        check_tokens(hf, processor, self.image_token_id(hf), token)
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        if placement not in self.placements:
            raise UnknownNameError("placement", placement, self.placements)
        images = processor.image_processor
        fitted = fit_image(pixels, images, "pad" if placement == "pad" else "processor")
        # the processor's own defaults, which it gives to its image processor on every call
        options = {**processor.images_kwargs, "return_tensors": "pt"}
        if placement != "processor":
            options["do_pan_and_scan"] = placement == _CROPS
        values = images(images=[Image.fromarray(fitted.pixels)], **options)
        side, patch = tower_sides(hf)
        check_side(values["pixel_values"], fitted.size[0], side)
        token = str(processor.tokenizer.image_token)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        crops = int(values["num_crops"][0])
        cells, step = _pooled(side // patch, patch, int(hf.config.mm_tokens_per_image))
        check_counts(expansion.tokens, (1 + crops) * cells**2)
        edges = np.arange(cells + 1, dtype=np.float64) * step
        layouts = _layouts(fitted, edges, crops)
        done = f"{fitted.placement} and crops" if crops else fitted.placement
        return ImageInputs({"pixel_values": values["pixel_values"]}, expansion, layouts, done)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Which positions are image tokens, which attend to those of the same image both ways.

        Returns:
            ``token_type_ids`` (batch, positions): 1 for image tokens.
        """
        return {"token_type_ids": (batch["input_ids"] == self.image_token_id(hf)).long()}


def _pooled(patches: int, patch: int, tokens: int) -> tuple[int, int]:
    """(tokens per side, pixels of the square per token) after patches were averaged in squares.

    Raises:
        ModelMismatchError: for a config that asks for more tokens than there are patches.
    """
    kernel = patches // int(tokens**0.5)
    if kernel < 1:
        raise ModelMismatchError(
            f"The config asks for {tokens} tokens per image, but the vision tower makes {patches}x{patches} "
            "patches of it. Load the config that belongs to the model."
        )
    return patches // kernel, patch * kernel


def _layouts(fitted: FittedImage, edges: NDArray[np.float64], crops: int) -> tuple[GridLayout, ...]:
    """The whole image, then its crops side by side in one grid.

    Args:
        fitted: the whole image.
        edges: float (cells + 1,), of its tokens along one axis of the square.
        crops: how many equal parts its longer side was cut into; the last one may be shorter.
    """
    cells = len(edges) - 1
    whole = np.arange(cells * cells)
    y, x = fitted.y.to_original(edges), fitted.x.to_original(edges)
    if not crops:
        return (GridLayout("image", whole, y, x),)
    height, width = fitted.pixels.shape[:2]
    order = np.arange(crops * cells * cells) + len(whole)
    if width >= height:
        x_crops = _cut(width, crops, edges / fitted.size[1])
        order = order.reshape(crops, cells, cells).transpose(1, 0, 2).reshape(-1)
        tiles = GridLayout("tiles", order, y, x_crops)
    else:
        tiles = GridLayout("tiles", order, _cut(height, crops, edges / fitted.size[0]), x)
    return GridLayout("thumbnail", whole, y, x), tiles


def _cut(length: int, parts: int, inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of cells of parts that lie behind one another: float (parts * cells + 1,).

    Args:
        length: in pixels.
        parts: each is the length divided, rounded up; the last one takes what is left.
        inner: float (cells + 1,), edges within a part, from 0 to at most 1.
    """
    part = -(-length // parts)
    starts = np.arange(parts) * part
    sizes = np.minimum(part, length - starts)
    edges = starts[:, None] + sizes[:, None] * inner[None]
    return np.append(edges[:, :-1].reshape(-1), edges[-1, -1])
