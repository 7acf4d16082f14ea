"""Tiles side by side, worked out by hand: order of tokens, edges of cells, thumbnails."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.models.layout.image_inputs import GridLayout
from vlmscope.models.layout.tiles import Tile, squashed, stretched_layouts

TILE = Tile(side=30, cells=2, step=14)  # two pixels of a tile are left over


def layouts(size: tuple[int, int], tiles: tuple[int, int], first: bool) -> dict[str, GridLayout]:
    """By name, in order."""
    return {each.name: each for each in stretched_layouts(size, TILE, tiles, first)}


def test_the_last_tokens_of_a_tile_reach_to_the_next_one() -> None:
    edges = TILE.edges(3)
    assert edges.tolist() == [0, 14, 30, 44, 60, 74, 88] and edges.dtype == np.float64
    assert TILE.edges(1).tolist() == [0, 14, 28] and TILE.tokens == 4


def test_tokens_of_tiles_come_row_by_row_of_the_joint_grid() -> None:
    assert TILE.order(1, 2).tolist() == [0, 1, 4, 5, 2, 3, 6, 7]
    assert TILE.order(2, 2).tolist() == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
    assert TILE.order(2, 1).tolist() == list(range(8))


@pytest.mark.parametrize("first", [True, False])
def test_a_single_tile_is_the_whole_image(first: bool) -> None:
    """120x90 stretched to 30x30: four and three pixels of the original for one."""
    (image,) = layouts((120, 90), (1, 1), first).values()
    assert image.name == "image" and image.offsets.tolist() == [0, 1, 2, 3]
    assert image.y_edges.tolist() == [0, 56, 112] and image.x_edges.tolist() == [0, 42, 84]


@pytest.mark.parametrize("first", [True, False])
def test_tiles_and_a_thumbnail_share_the_image(first: bool) -> None:
    """120x270 brought to 60x90 for 2x3 tiles: two rows and three columns of the original for one."""
    views = layouts((120, 270), (2, 3), first)
    assert list(views) == (["thumbnail", "tiles"] if first else ["tiles", "thumbnail"])
    thumbnail, tiles = views["thumbnail"], views["tiles"]
    assert thumbnail.y_edges.tolist() == [0, 56, 112]
    assert thumbnail.x_edges.tolist() == [0, 126, 252]
    assert tiles.y_edges.tolist() == [0, 28, 60, 88, 116]
    assert tiles.x_edges.tolist() == [0, 42, 90, 132, 180, 222, 264]
    assert thumbnail.offsets.tolist() == ([0, 1, 2, 3] if first else [24, 25, 26, 27])
    assert (tiles.offsets - (4 if first else 0)).tolist() == TILE.order(2, 3).tolist()


@pytest.mark.parametrize("tiles", [(2, 2), (1, 2), (2, 1)])
def test_more_than_one_tile_has_a_thumbnail(tiles: tuple[int, int]) -> None:
    assert list(layouts((60, 60), tiles, True)) == ["thumbnail", "tiles"]


@pytest.mark.parametrize(
    ("size", "tiles", "is_squashed"),
    [
        ((60, 90), (2, 3), False),
        ((101, 100), (1, 1), False),
        ((103, 100), (1, 1), True),
        ((100, 103), (1, 1), True),
        ((60, 90), (3, 2), True),
        ((60, 60), (2, 3), True),
    ],
)
def test_an_image_is_squashed_where_its_ratio_changes_by_more_than_a_fiftieth(
    size: tuple[int, int], tiles: tuple[int, int], is_squashed: bool
) -> None:
    assert squashed(size, tiles) is is_squashed
