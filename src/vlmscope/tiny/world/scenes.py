"""Scenes: a few coloured, textured shapes on a background, with exact masks.

The same seed and options give the same scene, in any process.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.tiny.world.backgrounds import paint_background
from vlmscope.tiny.world.layout import Placed, SceneOptions, lay_out
from vlmscope.tiny.world.shapes import coverage
from vlmscope.tiny.world.textures import surface
from vlmscope.tiny.world.words import PATTERNS, TONES
from vlmscope.types import tight_box

__all__ = ["Scene", "SceneObject", "SceneOptions", "render_scene"]

_RGB = {
    "red": (214, 38, 36),
    "orange": (240, 128, 20),
    "yellow": (238, 216, 40),
    "green": (44, 158, 58),
    "cyan": (40, 200, 212),
    "blue": (38, 72, 214),
    "purple": (128, 44, 172),
    "pink": (244, 130, 182),
}


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One object of a scene.

    Attributes:
        shape, colour, texture, size: words of ``vlmscope.tiny.world.words``.
        position: the ninth of the canvas its centre lies in, one of ``words.PLACES``.
        center: (x, y) in pixels.
        radius: nominal radius in pixels.
        mask: bool (height, width), exactly the pixels that are more than half covered.
        box: xyxy float pixels, tight around the mask, far edges exclusive.
    """

    shape: str
    colour: str
    texture: str
    size: str
    position: str
    center: tuple[float, float]
    radius: float
    mask: NDArray[np.bool_] = field(repr=False)
    box: tuple[float, float, float, float]

    def description(self) -> str:
        """``large striped red circle``."""
        return f"{self.size} {self.texture} {self.colour} {self.shape}"


@dataclass(frozen=True, eq=False)
class Scene:
    """A rendered scene.

    Attributes:
        seed: what it was drawn from.
        image: uint8 (height, width, 3).
        objects: in the order in which they were placed; their masks never overlap.
        pattern, tone: the background, words of ``vlmscope.tiny.world.words``.
    """

    seed: int
    image: NDArray[np.uint8] = field(repr=False)
    objects: tuple[SceneObject, ...]
    pattern: str
    tone: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.image.shape[0], self.image.shape[1]


def render_scene(seed: int, options: SceneOptions | None = None) -> Scene:
    """Draw the scene of a seed."""
    options = options or SceneOptions()
    rng = random.Random(f"vlmscope-scene:{seed}")
    placed = lay_out(options, rng)
    pattern, tone = rng.choice(PATTERNS), rng.choice(TONES)
    canvas = paint_background(pattern, tone, options.height, options.width, rng)
    objects = tuple(_draw(canvas, item, rng) for item in placed)
    noise = np.random.default_rng(rng.getrandbits(32))
    grain = noise.standard_normal(canvas.shape[:2], dtype=np.float32)
    canvas += grain[..., None] * np.float32(rng.uniform(1.0, 4.0))
    image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return Scene(seed=seed, image=image, objects=objects, pattern=pattern, tone=tone)


def _draw(canvas: NDArray[np.float32], item: Placed, rng: random.Random) -> SceneObject:
    """Paint one object onto the canvas (in place) and return what it is."""
    alpha = coverage(item.shape, item.radius, rng.choice(_turns(item.shape)))
    half = alpha.shape[0] // 2
    top, left = item.y - half, item.x - half
    rows = slice(max(top, 0), min(top + alpha.shape[0], canvas.shape[0]))
    columns = slice(max(left, 0), min(left + alpha.shape[1], canvas.shape[1]))
    inner = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    paint = _paint(item, alpha.shape[0], rng)
    region = canvas[rows, columns]
    region += (paint[inner] - region) * alpha[inner][..., None]

    mask = np.zeros(canvas.shape[:2], dtype=bool)
    mask[rows, columns] = alpha[inner] > 0.5
    box = tight_box(mask)
    assert box is not None  # layouts keep every object inside the picture
    return SceneObject(
        shape=item.shape,
        colour=item.colour,
        texture=item.texture,
        size=item.size,
        position=item.position,
        center=(item.x + 0.5, item.y + 0.5),
        radius=float(item.radius),
        mask=mask,
        box=box,
    )


def _turns(shape: str) -> tuple[int, ...]:
    """Rotations in degrees that leave the shape easy to name."""
    return (0,) if shape in ("circle", "ring") else (-15, -8, 0, 8, 15)


def _paint(item: Placed, side: int, rng: random.Random) -> NDArray[np.float32]:
    """float32 (side, side, 3): the object's surface."""
    shade = rng.uniform(0.9, 1.08)
    main = np.asarray([shade * (value + rng.uniform(-14, 14)) for value in _RGB[item.colour]])
    brightness = float(main @ np.asarray((0.30, 0.59, 0.11)))
    # a second tone must stand out from the main one: bright colours can only go darker
    darker = brightness > 120 or rng.random() < 0.4
    second = (
        main * rng.uniform(0.35, 0.48) if darker else main + (255 - main) * rng.uniform(0.62, 0.75)
    )
    period = rng.randint(5, 7) if item.size == "small" else rng.randint(7, 10)
    period = max(period, math.floor(period * item.radius / (12 if item.size == "small" else 23)))
    weight = surface(item.texture, side, period, rng.choice((0, 45, 90, 135)), rng.randrange(4))
    return (second + (main - second) * weight).astype(np.float32)
