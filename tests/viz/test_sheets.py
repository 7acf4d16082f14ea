"""Grids of maps and sheets of pictures keep their order, their captions and their proportions."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.viz import colorize, contact_sheet, head_grid
from vlmscope.viz.text import fit, font


def plain(colour: str, size: tuple[int, int] = (40, 20)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_pictures_stand_row_by_row() -> None:
    images = [plain(colour) for colour in ("red", "lime", "blue", "yellow")]
    sheet = contact_sheet(images, columns=2, cell=100)
    pixels = np.asarray(sheet)
    assert sheet.size == (2 * 105 + 5, 2 * 55 + 5)
    for index, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]):
        x, y = 5 + 105 * (index % 2) + 50, 5 + 55 * (index // 2) + 25
        assert tuple(pixels[y, x]) == colour


def test_captions_are_written_beneath_and_only_there() -> None:
    bare = np.asarray(contact_sheet([plain("red")], [""], cell=100))
    written = np.asarray(contact_sheet([plain("red")], ["a word"], cell=100))
    assert bare.shape == written.shape
    rows, _ = np.nonzero((bare != written).any(axis=-1))
    assert rows.min() >= 55
    dark = np.asarray(contact_sheet([plain("red")], ["a word"], cell=100, theme="dark"))
    assert dark[0, 0].sum() < 100 < written[0, 0].sum()


def test_heads_show_their_cells_sharply() -> None:
    maps = np.zeros((2, 3, 4))
    maps[0, 1, 2] = 5
    maps[1, 0, 0] = 1
    grid = np.asarray(head_grid(maps, ["L1H1", "L2H2"], columns=2, cell=40))
    bright = tuple(colorize(1.0))
    gap = 4
    lit = (grid[gap : gap + 30, gap : gap + 40] == bright).all(axis=-1)
    rows, columns = np.nonzero(lit)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 20, 29)
    assert lit.sum() == 100


def test_one_scale_for_all_heads_on_request() -> None:
    maps = np.zeros((2, 2, 2))
    maps[0, 0, 0], maps[1, 0, 0] = 4, 1
    own = np.asarray(head_grid(maps, ["a", "b"], columns=2, cell=40))
    shared = np.asarray(head_grid(maps, ["a", "b"], columns=2, cell=40, shared_scale=True))
    second = (4 + 5, 4 + 44 + 5)
    assert tuple(own[second]) == tuple(colorize(1.0))
    assert tuple(shared[second]) == tuple(colorize(0.25))


def test_bad_arguments() -> None:
    with pytest.raises(BadOptionError, match="at least one image"):
        contact_sheet([])
    with pytest.raises(BadOptionError, match="got 1 for 2 images"):
        contact_sheet([plain("red")] * 2, ["one"])
    with pytest.raises(BadOptionError, match="columns"):
        contact_sheet([plain("red")], columns=0)
    with pytest.raises(UnknownNameError, match="'dark'"):
        contact_sheet([plain("red")], theme="drak")
    with pytest.raises(BadOptionError, match=r"\(3, 4\)"):
        head_grid(np.zeros((3, 4)), ["a"])
    with pytest.raises(BadOptionError, match="got 1 for 2 maps"):
        head_grid(np.zeros((2, 3, 4)), ["a"])


def test_text_is_wrapped_and_shortened() -> None:
    face = font(14)
    assert fit("a few words", face, 500, 2) == ["a few words"]
    two = fit("a few words that need two lines", face, 110, 2)
    assert len(two) == 2
    assert " ".join(two) == "a few words that need two lines" or two[-1].endswith("…")
    cut = fit("many " * 100, face, 110, 2)
    assert len(cut) == 2
    assert cut[-1].endswith("…")
    assert all(face.getbbox(line)[2] <= 110 for line in cut)
    assert fit("word", face, 1, 2) == []
    assert fit("", face, 100, 2) == []
    assert fit("word", face, 100, 0) == []
