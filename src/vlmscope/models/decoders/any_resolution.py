"""Vision towers for any resolution: patches of the whole image, merged into tokens.

An image is stretched to the nearest multiple of (patch x merge) pixels within a budget, so each token
stands for a rectangle of whole original pixels and nothing is padded or cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models.decoders.family import Family
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.processor_checks import check_counts, check_parts, check_tokens
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["AnyResolutionFamily"]

# transformers' own limit; beyond it the image processor refuses
_MAX_ASPECT = 200


class AnyResolutionFamily(Family):
    """A vision tower for any resolution in front of a decoder.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes of transformers whose geometry is known, by the start of their name.
        delimiters: fields of the config with the ids of the tokens around an image; empty: none stand
            there, or the config does not say which.
        image_tensors: what of the image processor's goes to the model.
    """

    processor_class: str
    image_processors: tuple[str, ...]
    delimiters: tuple[str, ...] = ()
    image_tensors: tuple[str, ...] = ("pixel_values", "image_grid_thw")

    def merge(self, hf: PreTrainedModel, processor: Any) -> int:
        """Patches to a token, along one side."""
        return int(hf.config.vision_config.spatial_merge_size)

    def patch_values(self, hf: PreTrainedModel) -> int:
        """Numbers in one patch, as the tower takes it."""
        vision = hf.config.vision_config
        channels = getattr(vision, "in_channels", None) or vision.num_channels
        frames = getattr(vision, "temporal_patch_size", 1)
        return int(channels) * int(frames) * int(vision.patch_size) ** 2

    def cells(self, rows: int, columns: int) -> tuple[int, NDArray[np.int64]]:
        """Where the cells of a grid stand among its image's tokens.

        Returns:
            The number of tokens, and int (rows * columns,), row-major: the token of each cell.
        """
        return rows * columns, np.arange(rows * columns)

    def edges(
        self, hf: PreTrainedModel, processor: Any, size: tuple[int, int], grid: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
        """The grid's lines on an image of a size, both (height, width): stretched over all of it.

        Returns:
            float (rows + 1,) and (columns + 1,), original pixels, and how the image was fitted.
        """
        (height, width), (rows, columns) = size, grid
        squashed = abs((rows / height) / (columns / width) - 1) > 0.02
        y_edges, x_edges = np.linspace(0.0, height, rows + 1), np.linspace(0.0, width, columns + 1)
        return y_edges, x_edges, "squash" if squashed else "resize"

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        placeholder = self.placeholder(hf, processor)
        if not self.delimiters:
            return placeholder
        ids = [int(getattr(hf.config, name)) for name in self.delimiters]
        start, end = processor.tokenizer.convert_ids_to_tokens(ids)
        return f"{start}{placeholder}{end}"

    def expansion(self, hf: PreTrainedModel, processor: Any, values: Any) -> Expansion:
        """What stands for one image in the prompt, given what the image processor made of it."""
        written = str(processor.replace_image_token(values, 0))
        return Expansion.of(written, super().placeholder(hf, processor))

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
        patches = values["pixel_values"]
        self._check_patches(hf, patches)
        merge = self.merge(hf, processor)
        rows, columns = (int(size) // merge for size in values["image_grid_thw"][0, 1:])
        expansion = self.expansion(hf, processor, values)
        count, cells = self.cells(rows, columns)
        check_counts(expansion.tokens, count)
        check_counts(rows * columns, len(patches) // merge**2)
        y_edges, x_edges, done = self.edges(hf, processor, (height, width), (rows, columns))
        tensors = {name: values[name] for name in self.image_tensors}
        layout = GridLayout("image", cells, y_edges, x_edges)
        return ImageInputs(tensors, expansion, (layout,), done)

    def _check_patches(self, hf: PreTrainedModel, patches: Tensor) -> None:
        """Raise ModelMismatchError unless patches (patches, ...) have the size that the tower takes."""
        made, wanted = patches[0].numel(), self.patch_values(hf)
        if made != wanted:
            vision = hf.config.vision_config
            size = f"{int(vision.patch_size)}x{int(vision.patch_size)} pixels"
            frames = int(getattr(vision, "temporal_patch_size", 1))
            raise ModelMismatchError(
                f"The processor makes patches of {made} values, the model's vision tower takes "
                f"{wanted} ({size if frames == 1 else f'{frames} frames of {size}'}). Load the "
                "processor that belongs to the model."
            )


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
