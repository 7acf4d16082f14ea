"""Granite 4 Vision: LLaVA-NeXT's tiles, whose patches are read window by window.

A token begins as the mean (or one) of its own square of patches and looks at the patches of its window
with cross-attention. What is made of several layers of the tower is added to the image's positions in
front of as many decoder layers; nothing of the image is there before.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.layout.anyres import AnyresFamily
from vlmscope.models.layout.tiles import Tile
from vlmscope.models.layout.vision_towers import tower_sides

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Granite4VisionFamily"]


class Granite4VisionFamily(AnyresFamily):
    """``Granite4VisionForConditionalGeneration`` of transformers."""

    id = "granite4-vision"
    model_types = ("granite4_vision",)
    checkpoints = (Checkpoint("ibm-granite/granite-4.0-3b-vision", "4B", "Apache-2.0"),)
    processor_class = "Granite4VisionProcessor"
    image_processors = ("LlavaNextImageProcessor",)
    boxes = None
    limits = (
        "a token begins as its own patches and also looks at the rest of its window (8x8 patches in the "
        "published model), so it may show what lies next to its rectangle",
        "visual features enter in front of several decoder layers, at the image's own positions: blocking "
        "edges to those positions hides them, blocking edges from them does not",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        rates = hf.config.downsample_rate, getattr(processor, "downsample_rate", None)
        if rates[0] != rates[1]:
            raise ModelMismatchError(
                f"The processor counts tokens by downsample_rate={rates[1]!r}, the model makes them by "
                f"{rates[0]!r}. Load the processor that belongs to the model."
            )
        super().check(hf, processor)

    def tile(self, hf: PreTrainedModel) -> Tile:
        """Windows of patches side by side, each read into a square of tokens."""
        side, patch = tower_sides(hf)
        queries, window = (int(part) for part in str(hf.config.downsample_rate).split("/"))
        patches = side // patch
        if patches % window or (patch * window) % queries:
            raise ModelMismatchError(
                f"The model's tower makes {patches}x{patches} patches, which windows of {window} "
                f"(downsample_rate={hf.config.downsample_rate!r}) do not divide into tokens of whole "
                "pixels. Correct the config."
            )
        return Tile(side, patches // window * queries, int(patch / Fraction(queries, window)))

    def image_enters_until(self, hf: PreTrainedModel) -> int:
        """Features are added in front of these layers, which is behind the ones before."""
        layers = [layer for _, layer in hf.config.deepstack_layer_map]
        return max(0, max([*layers, *hf.config.spatial_target_layers]) - 1)

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        return super().head(hf, hidden) / float(self.decoder(hf).config.logits_scaling)
