"""The picture of docs/find.md, Several objects: two that lie apart, and two that touch.

``python docs/building/touching_objects.py`` writes it anew. No model is asked: maps are made by hand, round
mounds over the discs, so that what is seen is what the splitting does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding, side_by_side
from vlmscope.types import Role, TokenMap, View

__all__ = ["PICTURE", "draw", "ground_discs"]

PICTURE = Path(__file__).parents[1] / "images" / "touching-objects.png"

_SIDE, _CELLS, _RADIUS = 192, 24, 30
_PAPER, _RED = (196, 200, 196), (204, 60, 52)
APART, TOUCHING = 104, 2 * _RADIUS
"""Pixels from the middle of one disc to that of the other."""


def ground_discs(distance: int) -> Grounding:
    """Two discs so far from each other, and a map that lights up over each."""
    middles = [(_SIDE / 2 - distance / 2, _SIDE / 2), (_SIDE / 2 + distance / 2, _SIDE / 2)]
    edges = np.linspace(0, _SIDE, _CELLS + 1)
    count = _CELLS**2
    view = View("image", np.arange(count), edges, edges)
    token_map = TokenMap(
        roles=np.full(count, Role.IMAGE, dtype=np.int8),
        tokens=("<image>",) * count,
        image_size=(_SIDE, _SIDE),
        views=(view,),
        placement="resize",
    )
    options = PostOptions(smoothing="none", surface="pixels", threshold="max-share", share=0.4)
    return Grounding.of(
        locate(token_map, _map(middles).ravel(), options),
        phrase="the red discs",
        method="by hand",
        model="none",
        image=_picture(middles),
        score=1.0,
        details={},
    )


def _map(middles: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Float (rows, columns): a round mound over each disc, the second a little lower."""
    places = (np.arange(_CELLS) + 0.5) * _SIDE / _CELLS
    mounds = [
        height * np.exp(-((places[:, None] - y) ** 2 + (places - x) ** 2) / (1.1 * _RADIUS) ** 2)
        for height, (x, y) in zip((1.0, 0.9), middles, strict=True)
    ]
    return np.maximum(*mounds)


def _picture(middles: list[tuple[float, float]]) -> NDArray[np.uint8]:
    image = Image.new("RGB", (_SIDE * 4, _SIDE * 4), _PAPER)
    pen = ImageDraw.Draw(image)
    for x, y in middles:
        corners = [4 * (x - _RADIUS), 4 * (y - _RADIUS), 4 * (x + _RADIUS), 4 * (y + _RADIUS)]
        pen.ellipse(corners, fill=_RED)
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))


def draw() -> Image.Image:
    """Both side by side, few colours so that the file is small."""
    groundings = [ground_discs(APART), ground_discs(TOUCHING)]
    row = side_by_side(groundings, height=300, alpha=0.35)
    return row.quantize(64)


if __name__ == "__main__":
    draw().save(PICTURE, optimize=True)
