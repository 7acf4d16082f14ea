"""Where the tokens of Unlimited-OCR lie: tiles in one grid, a padded page, newlines behind rows."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.models.decoders.unlimited_ocr import _Page


def page(size: tuple[int, int], padded: bool = True, tiles: object = None) -> _Page:
    return _Page(size, 1024, padded, 64, tiles, 640)


@pytest.mark.parametrize("tiles", [None, (1, 2), (3, 2)])
def test_newlines_and_the_separator_lie_on_no_grid(tiles: tuple[int, int] | None) -> None:
    made = page((900, 1400), tiles=tiles)
    offsets = np.concatenate([layout.offsets for layout in made.layouts()])
    assert len(set(offsets.tolist())) == len(offsets)
    rows = 16 + (10 * tiles[0] if tiles else 0)
    assert made.tokens == len(offsets) + rows + 1
    assert made.tokens - 1 not in offsets  # the separator is the last


def test_tiles_come_first_and_cover_the_image() -> None:
    tiles, whole = page((900, 1400), tiles=(2, 3)).layouts()
    assert (tiles.name, whole.name) == ("tiles", "thumbnail")
    assert (len(tiles.y_edges), len(tiles.x_edges)) == (21, 31)
    assert (tiles.y_edges[-1], tiles.x_edges[-1]) == (900, 1400)
    assert tiles.offsets[30] == 31  # behind the first row's newline
    assert whole.offsets[0] == 20 * 31


@pytest.mark.parametrize("size", [(700, 1400), (1400, 700)])
def test_the_page_is_padded_on_both_sides(size: tuple[int, int]) -> None:
    [image] = page(size).layouts()
    long, short = (
        (image.x_edges, image.y_edges) if size[1] > size[0] else (image.y_edges, image.x_edges)
    )
    np.testing.assert_allclose((long[0], long[-1]), (0, 1400))
    np.testing.assert_allclose((short[0], short[-1]), (-350, 1050))


def test_a_page_of_another_kind_is_stretched() -> None:
    [image] = page((700, 1400), padded=False).layouts()
    assert (image.y_edges[-1], image.x_edges[-1]) == (700, 1400)
