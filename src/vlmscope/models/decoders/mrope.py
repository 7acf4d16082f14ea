"""What Qwen-VL and GLM-4V share: any resolution, patches merged into tokens, one position per axis.

An image is stretched to the nearest multiple of (patch x merge) pixels within a budget, so each token
stands for a rectangle of whole original pixels and nothing is padded or cut off. Positions of image
tokens are (time, row, column); text after the image counts on from the largest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import check_counts, check_parts, check_tokens
from vlmscope.models.prompts.prompt import Expansion, PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["MropeFamily"]

# transformers' own limit; beyond it the image processor refuses
_MAX_ASPECT = 200


class MropeFamily(Family):
    """A vision tower for any resolution in front of a decoder with one rotary position per axis.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes of transformers whose geometry is known, by the start of their name.
        delimiters: fields of the config with the ids of the tokens around an image.
    """

    processor_class: str
    image_processors: tuple[str, ...]
    delimiters: tuple[str, str]

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        ids = [int(getattr(hf.config, name)) for name in self.delimiters]
        start, end = processor.tokenizer.convert_ids_to_tokens(ids)
        return f"{start}{self.placeholder(hf, processor)}{end}"

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_tokens(hf, processor, self.image_token_id(hf))
        images = processor.image_processor
        names = [base.__name__ for base in type(images).__mro__]
        if not any(name.startswith(self.image_processors) for name in names):
            raise ModelMismatchError(
                f"The image processor {type(images).__name__} does not belong to this model, which "
                f"takes patches of any number from {self.image_processors[0]}. Load the processor "
                "that belongs to the model."
            )
        # a processor of other settings shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        values = _processed(processor.image_processor, pixels)
        _check_patches(hf, values["pixel_values"])
        merge = int(hf.config.vision_config.spatial_merge_size)
        rows, columns = (int(size) // merge for size in values["image_grid_thw"][0, 1:])
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        check_counts(expansion.tokens, len(values["pixel_values"]) // merge**2)
        check_counts(expansion.tokens, rows * columns)
        layout = GridLayout(
            "image",
            np.arange(rows * columns),
            np.linspace(0.0, height, rows + 1),
            np.linspace(0.0, width, columns + 1),
        )
        squashed = abs((rows / height) / (columns / width) - 1) > 0.02
        tensors = {name: values[name] for name in ("pixel_values", "image_grid_thw")}
        return ImageInputs(tensors, expansion, (layout,), "squash" if squashed else "resize")

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Positions by the model's own rule, given explicitly: it would remember them otherwise.

        Returns:
            ``mm_token_type_ids`` (batch, positions), 1 for image tokens, and ``position_ids``
            (3, batch, positions): time, row, column.
        """
        ids = batch["input_ids"]
        types = (ids == self.image_token_id(hf)).long()
        positions, _ = hf.model.get_rope_index(
            ids,
            mm_token_type_ids=types,
            image_grid_thw=batch["image_grid_thw"],
            attention_mask=batch["attention_mask"],
        )
        return {"mm_token_type_ids": types, "position_ids": positions}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        merge = int(hf.config.vision_config.spatial_merge_size)
        grids = [[1, *(size * merge for size in view.grid)] for view in token_map.views]
        return self.complete(hf, None, {**batch, "image_grid_thw": torch.tensor(grids)}, ())

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Generating leaves the last prompt's position offset on the model."""
        yield from super().remembered(hf)
        yield hf.model, {"rope_deltas": None}


def _processed(images: Any, pixels: NDArray[np.uint8]) -> Any:
    height, width = pixels.shape[:2]
    try:
        values = images(images=[Image.fromarray(pixels)], return_tensors="pt")
    except ValueError as error:
        if max(height, width) >= _MAX_ASPECT * 0.9 * min(height, width):
            raise BadImageError(
                f"An image of {height}x{width} pixels (height x width) is too narrow for this family, "
                f"which takes sides of up to 1:{_MAX_ASPECT}. Crop it."
            ) from error
        raise ModelMismatchError(
            f"{type(images).__name__} cannot fit an image of {height}x{width} pixels (height x width): "
            f"{error}. Load the processor that belongs to the model, with do_resize=True."
        ) from error
    return values


def _check_patches(hf: PreTrainedModel, patches: Tensor) -> None:
    """Raise ModelMismatchError unless patches (patches, values) have the size that the tower takes."""
    vision = hf.config.vision_config
    patch, frames = int(vision.patch_size), int(getattr(vision, "temporal_patch_size", 1))
    channels = getattr(vision, "in_channels", None) or vision.num_channels
    wanted = int(channels) * frames * patch**2
    if patches.shape[1] != wanted:
        raise ModelMismatchError(
            f"The processor makes patches of {patches.shape[1]} values, the model's vision tower takes "
            f"{wanted} ({frames} frames of {patch}x{patch} pixels). Load the processor that belongs to "
            "the model."
        )
