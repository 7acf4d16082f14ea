"""Token maps made by hand: no model is needed to test what happens to a map."""

from __future__ import annotations

import numpy as np

from vlmscope.types import Role, TokenMap, View


def view_over(
    box: tuple[float, float, float, float],
    grid: tuple[int, int],
    first: int = 0,
    name: str = "image",
) -> View:
    """A regular grid of (rows, columns) cells over an xyxy rectangle of original pixels."""
    x0, y0, x1, y1 = box
    count = grid[0] * grid[1]
    return View(
        name,
        np.arange(first, first + count),
        np.linspace(y0, y1, grid[0] + 1),
        np.linspace(x0, x1, grid[1] + 1),
    )


def map_of(size: tuple[int, int], views: list[View], placement: str = "resize") -> TokenMap:
    """Image tokens only, for an image of (height, width) pixels."""
    count = sum(len(view.positions) for view in views)
    return TokenMap(
        roles=np.full(count, Role.IMAGE, dtype=np.int8),
        tokens=("<image>",) * count,
        image_size=size,
        views=tuple(views),
        placement=placement,
    )
