"""Tiles at the best resolution, worked out by hand: padding, what is cut off of it, resampling."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vlmscope.models.layout.anyres import AnyresImage, anyres_image
from vlmscope.models.layout.placement import Axis
from vlmscope.models.layout.tiles import Tile

TILE = Tile(side=28, cells=2, step=14)
SQUARE = (56, 56)  # 2x2 tiles, 4x4 tokens
ONE = Tile(side=14, cells=1, step=14)


def turned(fitted: AnyresImage) -> AnyresImage:
    """The same lying on its side."""
    return AnyresImage(fitted.size[::-1], fitted.canvas[::-1], fitted.tile, fitted.most)


# 10x40 is resized to 14x56 in 56x56: 21 rows of padding above and below; one row of tokens shows the
# image by the model's arithmetic, and of the three that remain one is cut off above and one below
WIDE = AnyresImage((10, 40), SQUARE, TILE)


def test_whole_rows_of_padding_are_cut_off() -> None:
    assert WIDE.tiles == (2, 2)
    assert WIDE.kept == ((1, 3), (0, 4)) and WIDE.grid == (2, 4)
    assert WIDE.tokens == 4 + 2 * 5  # a newline behind every row
    assert WIDE.axes() == (Axis(1.4, 21), Axis(1.4, 0))
    thumbnail, tiles = WIDE.layouts()
    assert (thumbnail.name, tiles.name) == ("thumbnail", "tiles")
    assert thumbnail.offsets.tolist() == [0, 1, 2, 3]
    assert thumbnail.y_edges.tolist() == [0, 5, 10] and thumbnail.x_edges.tolist() == [0, 20, 40]
    assert tiles.offsets.tolist() == [4, 5, 6, 7, 9, 10, 11, 12]
    np.testing.assert_allclose(tiles.y_edges, [-5, 5, 15])
    np.testing.assert_allclose(tiles.x_edges, [0, 10, 20, 30, 40])


def test_whole_columns_of_padding_are_cut_off() -> None:
    tall = turned(WIDE)
    assert tall.kept == ((0, 4), (1, 3)) and tall.grid == (4, 2)
    assert tall.tokens == 4 + 4 * 3
    assert tall.axes() == (Axis(1.4, 0), Axis(1.4, 21))
    thumbnail, tiles = tall.layouts()
    assert thumbnail.y_edges.tolist() == [0, 20, 40] and thumbnail.x_edges.tolist() == [0, 5, 10]
    assert tiles.offsets.tolist() == [4, 5, 7, 8, 10, 11, 13, 14]
    np.testing.assert_allclose(tiles.y_edges, [0, 10, 20, 30, 40])
    np.testing.assert_allclose(tiles.x_edges, [-5, 5, 15])


def test_of_an_odd_number_of_rows_one_more_is_kept() -> None:
    """2x7 in 7x7 tiles of one token: five rows of padding, two are cut off above and two below."""
    wide = AnyresImage((2, 7), (98, 98), ONE)
    assert wide.kept == ((2, 5), (0, 7))
    _, tiles = wide.layouts()
    np.testing.assert_allclose(tiles.y_edges, [-0.5, 0.5, 1.5, 2.5])
    assert turned(wide).kept == ((0, 7), (2, 5))


def test_tiles_need_not_make_a_square() -> None:
    """28x56 fits 28x56 as it is."""
    fitted = AnyresImage((28, 56), (28, 56), TILE)
    assert fitted.tiles == (1, 2) and fitted.kept == ((0, 2), (0, 4))
    _, tiles = fitted.layouts()
    assert tiles.y_edges.tolist() == [0, 14, 28]
    assert tiles.x_edges.tolist() == [0, 14, 28, 42, 56]
    assert turned(fitted).tiles == (2, 1) and turned(fitted).kept == ((0, 4), (0, 2))


def test_a_single_token_is_a_grid() -> None:
    _, tiles = AnyresImage((14, 14), (14, 14), ONE).layouts()
    assert tiles.offsets.tolist() == [1]
    assert tiles.y_edges.tolist() == tiles.x_edges.tolist() == [0, 14]


@pytest.mark.parametrize(
    ("size", "grid", "tokens"), [((1, 400), (0, 4), 4), ((400, 1), (4, 0), 4 + 4)]
)
def test_an_image_too_narrow_for_a_token_is_its_thumbnail(
    size: tuple[int, int], grid: tuple[int, int], tokens: int
) -> None:
    fitted = AnyresImage(size, SQUARE, TILE)
    assert fitted.grid == grid and fitted.tokens == tokens
    assert [layout.name for layout in fitted.layouts()] == ["thumbnail"]


def test_the_free_side_is_rounded_up_and_the_odd_pixel_of_padding_lies_behind() -> None:
    """3x7 in 10x10: 4.29 rows become five, of five that are left two lie above."""
    wide = AnyresImage((3, 7), (10, 10), Tile(10, 1, 10))
    assert wide.axes() == (Axis(5 / 3, 2), Axis(10 / 7, 0))
    assert turned(wide).axes() == (Axis(10 / 7, 0), Axis(5 / 3, 2))


@pytest.mark.parametrize(
    ("height", "rows"), [(74_999_999, (0, 4)), (74_999_995, (1, 3)), (75_000_000, (0, 4))]
)
def test_rows_are_counted_to_seven_places_as_the_model_does(
    height: int, rows: tuple[int, int]
) -> None:
    """2.99999996 rows are three and 2.9999998 are two: none and one of four is cut off."""
    wide = AnyresImage((height, 100_000_000), SQUARE, TILE)
    assert wide.kept == (rows, (0, 4))
    assert turned(wide).kept == ((0, 4), rows)


# -- more tiles than the model keeps -----------------------------------------------------


def test_more_tokens_than_are_kept_are_resampled() -> None:
    """16 tokens for one tile of 4: half of them along each axis."""
    fitted = AnyresImage(SQUARE, SQUARE, TILE, most=1)
    assert fitted.grid == (2, 2) and fitted.tokens == 4 + 2 * 3
    _, tiles = fitted.layouts()
    assert tiles.offsets.tolist() == [4, 5, 7, 8]
    assert tiles.y_edges.tolist() == tiles.x_edges.tolist() == [0, 28, 56]


def test_what_is_resampled_is_what_padding_left() -> None:
    """2x4 tokens are brought down by the root of two, rounded down."""
    fitted = AnyresImage(WIDE.size, WIDE.canvas, WIDE.tile, most=1)
    assert fitted.grid == (1, 2)
    _, tiles = fitted.layouts()
    np.testing.assert_allclose(tiles.y_edges, [-5, 15])
    np.testing.assert_allclose(tiles.x_edges, [0, 20, 40])


def test_resampled_cells_are_equal_parts_of_unequal_ones() -> None:
    """Four cells from 0, 14, 30, 44 to 58 become three: a third of the second and so on."""
    fitted = AnyresImage((60, 60), (60, 60), Tile(30, 2, 14), most=3)
    assert fitted.grid == (3, 3)
    _, tiles = fitted.layouts()
    np.testing.assert_allclose(tiles.y_edges, [0, 14 + 16 / 3, 30 + 2 * 14 / 3, 58])
    np.testing.assert_allclose(tiles.x_edges, tiles.y_edges)


def test_up_to_a_tenth_more_along_an_axis_is_kept_as_it_is() -> None:
    """121x121 tokens where 110x110 are meant: 1.1 times as many a side, exactly."""
    tile = Tile(side=11, cells=11, step=1)
    assert AnyresImage((5, 5), (121, 121), tile, most=100).grid == (121, 121)
    assert AnyresImage((5, 5), (121, 121), tile, most=99).grid == (109, 109)


# -- of a model --------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "canvas"), [((50, 100), (28, 56)), ((100, 50), (56, 28))])
def test_a_model_says_tile_and_resolutions(size: tuple[int, int], canvas: tuple[int, int]) -> None:
    vision = SimpleNamespace(image_size=28, patch_size=14)
    config = SimpleNamespace(vision_config=vision, image_grid_pinpoints=[[28, 56], [56, 28]])
    hf = SimpleNamespace(config=config)
    assert anyres_image(hf, size) == AnyresImage(size, canvas, TILE)
    assert anyres_image(hf, size, 9) == AnyresImage(size, canvas, TILE, most=9)
