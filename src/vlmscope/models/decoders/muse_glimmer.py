"""Muse Glimmer and Muse Spark: an image stretched to whole tokens within a budget, 2x2 patches to a token.

Three layers of four look back at a window of positions; the fourth sees everything and has no rotary
positions.
"""

from __future__ import annotations

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
from vlmscope.models.layout.tiles import squashed
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["MuseGlimmerFamily"]


class MuseGlimmerFamily(Family):
    """``MuseGlimmerForConditionalGeneration`` of transformers, and ``MuseSparkForConditionalGeneration``."""

    id = "muse-glimmer"
    model_types = ("muse_glimmer", "muse_spark")
    torchvision = True
    checkpoints = (
        Checkpoint("meta-models/Muse-Glimmer-30B", "30B", "unknown"),
        Checkpoint("meta-models/Muse-Spark-Open-816B-A42B", "816B, 42B active", "unknown"),
    )
    limits = (
        "three layers of four look back at a window of positions: where a prompt is longer than that, they "
        "do not see the image",
        "pictures only: the sound that Muse Spark hears and videos are left out",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "MuseGlimmerProcessor")
        check_image_class(processor, ("MuseGlimmerImageProcessor",))
        check_tokens(hf, processor, self.image_token_id(hf))
        images, vision = processor.image_processor, hf.config.vision_config
        made = [int(images.patch_size), int(images.temporal_patch_size), int(images.merge_size)]
        wanted = [int(vision.patch_size), int(vision.patch_temporal), int(vision.merge_size)]
        if made != wanted or not images.do_resize:
            raise ModelMismatchError(
                f"The image processor makes patches of {made[0]} pixels and {made[1]} frames, {made[2]} to "
                f"a side of a token (do_resize={images.do_resize}); the model takes {wanted[0]}, "
                f"{wanted[1]} and {wanted[2]}, resized. Load the processor that belongs to the model."
            )

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        values = processor.image_processor(images=[Image.fromarray(pixels)], return_tensors="pt")
        merge = int(hf.config.vision_config.merge_size)
        rows, columns = (int(patches) // merge for patches in values["image_grid_thw"][0, 1:])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, rows * columns)
        size = int(pixels.shape[0]), int(pixels.shape[1])
        layout = GridLayout(
            "image",
            np.arange(rows * columns),
            np.linspace(0.0, size[0], rows + 1),
            np.linspace(0.0, size[1], columns + 1),
        )
        tensors = {name: values[name] for name in ("pixel_values", "image_grid_thw")}
        done = "squash" if squashed(size, (rows, columns)) else "resize"
        return ImageInputs(tensors, expansion, (layout,), done)

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        """Logits are scaled before they are capped."""
        text = hf.config.text_config
        cap = text.final_logit_softcapping
        logits: Tensor = hf.get_output_embeddings()(hidden)  # type: ignore[misc]
        return cap * torch.tanh(logits * text.output_multiplier / cap)
