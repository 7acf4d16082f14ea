"""Which objects a scene holds and where they lie."""

from __future__ import annotations

import random
from dataclasses import dataclass

from vlmscope.tiny.world.shapes import REACH
from vlmscope.tiny.world.words import COLOURS, PLACES, SHAPES, SIZES, TEXTURES

__all__ = ["Placed", "SceneOptions", "lay_out"]


_CLEAR = 0.025  # centres keep this share of the canvas away from the borders of the ninths
_TRIES = 40


@dataclass(frozen=True)
class SceneOptions:
    """What scenes look like.

    Attributes:
        height, width: canvas in pixels. Objects scale with the shorter side.
        counts: how many objects to draw, each count as likely as it is often listed.
        alike: chance that a later object copies the shape or the colour of an earlier one, so that
            one word does not tell them apart.
        equal: how many objects at most are of one shape, colour, texture and size: the first ones.
        small, large: least and largest nominal radius of a small and of a large object, in pixels on
            a canvas whose shorter side is 128.
    """

    height: int = 128
    width: int = 128
    counts: tuple[int, ...] = (2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5)
    alike: float = 0.6
    equal: int = 1
    small: tuple[int, int] = (11, 14)
    large: tuple[int, int] = (20, 26)


@dataclass(frozen=True)
class Placed:
    """An object before it is drawn; ``x`` and ``y`` name the pixel at its centre."""

    shape: str
    colour: str
    texture: str
    size: str
    radius: int
    x: int
    y: int
    position: str


def lay_out(options: SceneOptions, rng: random.Random) -> tuple[Placed, ...]:
    """Draw the objects; no two come closer than their outlines reach.

    A crowded canvas may hold one object fewer than drawn, never fewer than two.
    """
    while True:
        placed: list[Placed] = []
        for _ in range(rng.choice(options.counts)):
            item = _place(_attributes(placed, options, rng), placed, options, rng)
            if item is not None:
                placed.append(item)
        if len(placed) >= 2:
            return tuple(placed)


def _attributes(
    earlier: list[Placed], options: SceneOptions, rng: random.Random
) -> tuple[str, str, str, str]:
    """(shape, colour, texture, size) of the next object."""
    if 0 < len(earlier) < options.equal:
        first = earlier[0]
        return first.shape, first.colour, first.texture, first.size
    shape, colour = rng.choice(SHAPES), rng.choice(COLOURS)
    if earlier and rng.random() < options.alike:
        model = rng.choice(earlier)
        if rng.random() < 0.5:
            shape = model.shape
        else:
            colour = model.colour
    return shape, colour, rng.choice(TEXTURES), rng.choice(SIZES)


def _place(
    attributes: tuple[str, str, str, str],
    earlier: list[Placed],
    options: SceneOptions,
    rng: random.Random,
) -> Placed | None:
    shape, colour, texture, size = attributes
    scale = min(options.height, options.width) / 128
    radius = round(rng.randint(*(options.small if size == "small" else options.large)) * scale)
    reach = round(REACH * radius) + 2
    for _ in range(_TRIES):
        x = rng.randint(reach, options.width - 1 - reach)
        y = rng.randint(reach, options.height - 1 - reach)
        column, row = _third((x + 0.5) / options.width), _third((y + 0.5) / options.height)
        if column is None or row is None or not _free(x, y, radius, earlier):
            continue
        return Placed(shape, colour, texture, size, radius, x, y, PLACES[3 * row + column])
    return None


def _third(share: float) -> int | None:
    """0, 1 or 2; None close to a border, where the word for the place would be a coin toss."""
    if min(abs(share - 1 / 3), abs(share - 2 / 3)) < _CLEAR:
        return None
    return int(share * 3)


def _free(x: int, y: int, radius: int, earlier: list[Placed]) -> bool:
    return all(
        (x - other.x) ** 2 + (y - other.y) ** 2 >= (REACH * (radius + other.radius) + 2) ** 2
        for other in earlier
    )
