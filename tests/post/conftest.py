"""Token maps of the usual kinds."""

from __future__ import annotations

import pytest

from handmade import map_of, view_over
from vlmscope.types import TokenMap


@pytest.fixture
def square() -> TokenMap:
    """24x24 cells over 240x240 pixels."""
    return map_of((240, 240), [view_over((0, 0, 240, 240), (24, 24))])


@pytest.fixture
def padded() -> TokenMap:
    """8x8 cells over a 100x200 picture (height x width) padded to a square of 200."""
    return map_of((100, 200), [view_over((0, -50, 200, 150), (8, 8))], "pad")


@pytest.fixture
def cropped() -> TokenMap:
    """8x8 cells over the middle square of a 100x200 picture: 50 columns on each side unseen."""
    return map_of((100, 200), [view_over((50, 0, 150, 100), (8, 8))], "crop")


@pytest.fixture
def tiled() -> TokenMap:
    """Two 4x4 tiles side by side and a 4x4 thumbnail over the whole of 80x160 pixels."""
    return map_of(
        (80, 160),
        [
            view_over((0, 0, 80, 80), (4, 4), 0, "tile 0"),
            view_over((80, 0, 160, 80), (4, 4), 16, "tile 1"),
            view_over((0, 0, 160, 80), (4, 4), 32, "thumbnail"),
        ],
    )
