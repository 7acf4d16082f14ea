"""An image that was stretched to whole tiles, as a model takes it."""

from __future__ import annotations

from torch import Tensor

from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.processor_checks import check_counts
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts
from vlmscope.models.prompts.prompt import Expansion

__all__ = ["stretched_inputs"]


def stretched_inputs(
    frames: Tensor, expansion: Expansion, size: tuple[int, int], tile: Tile, tiles: tuple[int, int]
) -> ImageInputs:
    """Tiles with the thumbnail behind them; a single tile is the whole image and has none.

    Args:
        frames: (tiles and thumbnail, channels, height, width).
        expansion: what the processor writes for the image.
        size: (height, width) of the original.
        tile: one of them.
        tiles: (rows, columns).

    Raises:
        ModelMismatchError: frames or image tokens are not as many as the tiles say.
    """
    count = tiles[0] * tiles[1]
    check_counts(expansion.tokens, len(frames) * tile.tokens)
    check_counts(expansion.tokens, (count + (count > 1)) * tile.tokens)
    layouts = tuple(stretched_layouts(size, tile, tiles, thumbnail_first=False))
    kind = "squash" if squashed(size, tiles) else "resize"
    return ImageInputs({"pixel_values": frames}, expansion, layouts, kind)
