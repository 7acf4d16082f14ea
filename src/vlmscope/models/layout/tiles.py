"""Images cut into equal square tiles, and the grid that their tokens make side by side.

Where a tile is no whole number of patches the tower drops what is left over on the right and below.
Tiles lie in ONE grid all the same, so that evidence can be followed across their seams: the last row
and column of tokens of a tile is then said to reach to the next tile. After the last tile nothing is
claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.models.layout.image_inputs import GridLayout

__all__ = ["Tile", "nearest_arrangement", "squashed", "stretched_layouts"]


@dataclass(frozen=True)
class Tile:
    """One square tile and its tokens.

    Attributes:
        side: in pixels.
        cells: tokens per side.
        step: pixels per token, along one axis.
    """

    side: int
    cells: int
    step: int

    @property
    def tokens(self) -> int:
        """Of one tile."""
        return self.cells * self.cells

    def edges(self, tiles: int) -> NDArray[np.float64]:
        """Float (tiles * cells + 1,): token edges of tiles side by side, in pixels of the first."""
        starts = np.arange(tiles)[:, None] * self.side + np.arange(self.cells) * self.step
        end = (tiles - 1) * self.side + self.cells * self.step
        return np.append(starts.reshape(-1), end).astype(np.float64)

    def order(self, rows: int, columns: int) -> NDArray[np.int64]:
        """Int (tokens,): tokens that come tile after tile, in the row order of the joint grid."""
        tokens = np.arange(rows * columns * self.tokens)
        tiles = tokens.reshape(rows, columns, self.cells, self.cells)
        return tiles.transpose(0, 2, 1, 3).reshape(-1)


def stretched_layouts(
    size: tuple[int, int], tile: Tile, tiles: tuple[int, int], thumbnail_first: bool
) -> Iterator[GridLayout]:
    """Views of an image that was stretched to whole tiles and, for a thumbnail, to one tile.

    Args:
        size: (height, width) of the original.
        tile: one of them.
        tiles: (rows, columns). A single tile is the whole image and has no thumbnail.
        thumbnail_first: whether its tokens come before those of the tiles.
    """
    rows, columns = tiles
    whole = tile.edges(1)
    y, x = whole * (size[0] / tile.side), whole * (size[1] / tile.side)
    if rows * columns == 1:
        yield GridLayout("image", np.arange(tile.tokens), y, x)
        return
    count = rows * columns * tile.tokens
    first, at = (tile.tokens, 0) if thumbnail_first else (0, count)
    parts = [
        GridLayout("thumbnail", np.arange(tile.tokens) + at, y, x),
        GridLayout(
            "tiles",
            tile.order(rows, columns) + first,
            tile.edges(rows) * (size[0] / (rows * tile.side)),
            tile.edges(columns) * (size[1] / (columns * tile.side)),
        ),
    ]
    yield from parts if thumbnail_first else reversed(parts)


def squashed(size: tuple[int, int], tiles: tuple[int, int]) -> bool:
    """Whether stretching (height, width) to (rows, columns) of squares changes its shape."""
    return abs((tiles[0] / size[0]) / (tiles[1] / size[1]) - 1) > 0.02


def nearest_arrangement(
    size: tuple[int, int], side: int, fewest: int, most: int
) -> tuple[int, int]:
    """The arrangement of tiles whose ratio is nearest to that of an image.

    Args:
        size: (height, width) of the original.
        side: of a tile, in pixels.
        fewest, most: tiles; a ``most`` of 1 leaves the image whole.

    Returns:
        (rows, columns).
    """
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

    if most <= 1:
        return 1, 1
    columns, rows = get_optimal_tiled_canvas(size, (side, side), fewest, most)
    return int(rows), int(columns)
