"""What lies behind the objects: six patterns in four tones, every one drawn at random."""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["TONE_COLOURS", "paint_background"]

TONE_COLOURS = {
    "light": (208, 208, 206),
    "dark": (58, 58, 62),
    "warm": (176, 150, 122),
    "cool": (112, 134, 156),
}


def paint_background(
    pattern: str, tone: str, height: int, width: int, rng: random.Random
) -> NDArray[np.float32]:
    """float32 (height, width, 3), values around 0..255 (not clipped yet).

    The tone gives the colour, the pattern a relief that is the same in the three channels, so
    that no background has the saturated colours of objects.
    """
    base = [channel + rng.uniform(-12, 12) for channel in TONE_COLOURS[tone]]
    relief = _relief(pattern, height, width, rng)
    return relief[..., None] + np.asarray(base, dtype=np.float32)


def _relief(pattern: str, height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """float32 (height, width), brightness added to the tone."""
    if pattern == "plain":
        return np.zeros((height, width), dtype=np.float32)
    if pattern == "graded":
        along, extent = _axis(height, width, rng.uniform(0, 360))
        return along * np.float32(2 * rng.uniform(26, 40) / extent)
    if pattern == "speckled":
        noise = np.random.default_rng(rng.getrandbits(32))
        return noise.standard_normal((height, width), dtype=np.float32) * rng.uniform(14, 20)
    if pattern == "cloudy":
        return _clouds(height, width, rng)
    if pattern == "lined":
        along, _ = _axis(height, width, rng.choice((0, 45, 90, 135)))
        period = rng.uniform(9, 16)
        lines = np.cos((along + rng.uniform(0, period)) * np.float32(2 * math.pi / period)) > 0.7
        return lines * np.float32(rng.choice((-1, 1)) * rng.uniform(18, 28))
    if pattern == "tiled":
        side = rng.randint(11, 20)
        rows = (np.arange(height)[:, None] + rng.randrange(side)) // side
        columns = (np.arange(width)[None, :] + rng.randrange(side)) // side
        return ((rows + columns) % 2 - 0.5).astype(np.float32) * np.float32(rng.uniform(16, 28))
    raise ValueError(f"no background pattern {pattern!r}")


def _axis(height: int, width: int, degrees: float) -> tuple[NDArray[np.float32], float]:
    """Signed distance of every pixel along a direction, from the middle, and its whole extent."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x = np.arange(width, dtype=np.float32)[None, :] - width / 2
    y = np.arange(height, dtype=np.float32)[:, None] - height / 2
    along = (x * cos + y * sin).astype(np.float32)
    return along, abs(width * cos) + abs(height * sin)


def _clouds(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Smooth blotches: a few random values stretched over the canvas."""
    rows, columns = max(2, height // 22), max(2, width // 22)
    coarse = [rng.uniform(-1, 1) for _ in range(rows * columns)]
    small = Image.fromarray(np.asarray(coarse, dtype=np.float32).reshape(rows, columns))
    smooth = small.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) * np.float32(rng.uniform(30, 42))
