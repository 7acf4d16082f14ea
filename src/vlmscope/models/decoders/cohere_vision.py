"""Aya Vision and Command A Vision: the image stretched to tiles, a thumbnail after them, 2x2 patches a token.

They differ in how the arrangement of tiles is chosen and in what stands between them. Command A's image
processor has no Pillow form.
"""

from __future__ import annotations

from abc import abstractmethod
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
from vlmscope.models.layout.vision_towers import check_selection, tower_sides
from vlmscope.models.prompts.prompt import Expansion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["AyaVisionFamily", "Cohere2VisionFamily"]


class CohereTilesFamily(Family):
    """A SigLIP tower whose patches are shuffled into tokens, in front of a Cohere 2 decoder.

    Attributes:
        processor_class: of transformers, named in errors.
        image_processors: classes whose geometry is known, by the start of their name.
    """

    processor_class: str
    image_processors: tuple[str, ...]
    limits = (
        "most layers of its decoders look back at a window of positions (4096): in a longer prompt they "
        "do not see the image",
    )

    @abstractmethod
    def tile_token(self, processor: Any) -> str:
        """What the processor writes for one image token of a tile."""

    @abstractmethod
    def arrangement(self, images: Any, size: tuple[int, int], side: int) -> tuple[int, int]:
        """(rows, columns) of tiles of ``side`` pixels for an image of (height, width) pixels."""

    def image_options(self) -> dict[str, Any]:
        """What the whole processor tells its image processor."""
        return {}

    def strategy(self, hf: PreTrainedModel) -> str:
        """Which of the tower's tokens are kept, see :func:`check_selection`."""
        return "full"

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, self.processor_class)
        check_selection(hf, self.strategy(hf), keeps_class=False)
        check_image_class(processor, self.image_processors)
        check_tokens(hf, processor, self.image_token_id(hf), self.tile_token(processor))
        # a processor of another tile size shows only when it is used: use it on a small picture
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images, size = processor.image_processor, (int(pixels.shape[0]), int(pixels.shape[1]))
        values = images(
            images=[Image.fromarray(pixels)], return_tensors="pt", **self.image_options()
        )
        frames = values["pixel_values"]  # (frames, channels, height, width)
        tile = _tile(hf, (int(frames.shape[-2]), int(frames.shape[-1])))
        written = str(processor.replace_image_token(values, 0))
        expansion = Expansion.of(written, self.tile_token(processor))
        tiles = self.arrangement(images, size, tile.side)
        return stretched_inputs(frames, expansion, size, tile, tiles)


class AyaVisionFamily(CohereTilesFamily):
    """``AyaVisionForConditionalGeneration`` of transformers."""

    id = "aya-vision"
    model_types = ("aya_vision",)
    checkpoints = (
        Checkpoint("CohereLabs/aya-vision-8b", "8B", "CC-BY-NC-4.0", "not for commercial use"),
        Checkpoint("CohereLabs/aya-vision-32b", "32B", "CC-BY-NC-4.0", "not for commercial use"),
    )
    processor_class = "AyaVisionProcessor"
    image_processors = ("GotOcr2ImageProcessor",)

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        return str(processor.image_token)

    def tile_token(self, processor: Any) -> str:
        return str(processor.img_patch_token)

    def image_options(self) -> dict[str, Any]:
        return {"crop_to_patches": True}

    def strategy(self, hf: PreTrainedModel) -> str:
        return str(hf.config.vision_feature_select_strategy)

    def arrangement(self, images: Any, size: tuple[int, int], side: int) -> tuple[int, int]:
        return nearest_arrangement(size, side, int(images.min_patches), int(images.max_patches))


class Cohere2VisionFamily(CohereTilesFamily):
    """``Cohere2VisionForConditionalGeneration`` of transformers."""

    id = "cohere2-vision"
    model_types = ("cohere2_vision",)
    checkpoints = (
        Checkpoint(
            "CohereLabs/command-a-vision-07-2025", "112B", "CC-BY-NC-4.0", "not for commercial use"
        ),
    )
    processor_class = "Cohere2VisionProcessor"
    image_processors = ("Cohere2VisionImageProcessor",)
    torchvision = True

    def tile_token(self, processor: Any) -> str:
        return str(processor.image_token)

    def arrangement(self, images: Any, size: tuple[int, int], side: int) -> tuple[int, int]:
        """The one that needs the least enlarging, else the least reducing."""
        if not images.crop_to_patches:
            return 1, 1
        from transformers.models.cohere2_vision import image_processing_cohere2_vision as cohere

        columns, rows = cohere.get_optimal_tiled_canvas(
            size, (side, side), int(images.min_patches), int(images.max_patches)
        )
        return int(rows), int(columns)


def _tile(hf: PreTrainedModel, frame: tuple[int, int]) -> Tile:
    """The tokens of a frame of (height, width) pixels.

    Raises:
        ModelMismatchError: for a frame that the tower does not take, or that makes no whole tokens.
    """
    side, patch = tower_sides(hf)
    factor = int(hf.config.downsample_factor)
    patches = side // patch
    if frame != (side, side) or patches % factor:
        raise ModelMismatchError(
            f"The processor makes tiles of {frame[0]}x{frame[1]} pixels; the model's vision tower takes "
            f"{side}x{side} = {patches}x{patches} patches, of which {factor}x{factor} make a token. Load "
            "the processor that belongs to the model."
        )
    return Tile(side, patches // factor, patch * factor)
