"""The outlines of the six shapes, as anti-aliased coverage of a small square of pixels."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["REACH", "coverage"]

REACH = 1.1
"""No outline reaches farther from its centre than ``REACH`` times its nominal radius."""

_FINER = 4  # outlines are drawn this many times finer, then averaged down
Points = list[tuple[float, float]]


@functools.lru_cache(maxsize=4096)
def coverage(shape: str, radius: int, degrees: int) -> NDArray[np.float32]:
    """How much of each pixel the shape covers.

    Args:
        shape: one of ``words.SHAPES``.
        radius: nominal radius in pixels.
        degrees: rotation, clockwise.

    Returns:
        float32 (side, side) in 0..1, odd side, the centre of the shape on the centre pixel.
        The array is cached and read-only.
    """
    half = math.ceil(REACH * radius) + 1
    fine = (2 * half + 1) * _FINER
    canvas = Image.new("L", (fine, fine), 0)
    draw = ImageDraw.Draw(canvas)
    for points, filled in _outlines(shape):
        draw.polygon(_placed(points, radius, degrees, fine), fill=255 if filled else 0)
    cells = np.asarray(canvas, dtype=np.float32).reshape(fine // _FINER, _FINER, -1, _FINER)
    result = (cells.mean(axis=(1, 3)) / 255.0).astype(np.float32)
    result.flags.writeable = False
    return result


def _placed(points: Points, radius: int, degrees: int, fine: int) -> Points:
    """Unit-radius points, turned, scaled and moved to the middle of the fine canvas."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle, scale = fine / 2 - 0.5, radius * _FINER
    return [
        (middle + scale * (x * cos - y * sin), middle + scale * (x * sin + y * cos))
        for x, y in points
    ]


def _outlines(shape: str) -> list[tuple[Points, bool]]:
    """(points for radius 1, filled or cut out), painted in order."""
    if shape == "circle":
        return [(_regular(64, 1.0), True)]
    if shape == "ring":
        return [(_regular(64, 1.05), True), (_regular(64, 0.52), False)]
    if shape == "square":
        return [([(-0.78, -0.78), (0.78, -0.78), (0.78, 0.78), (-0.78, 0.78)], True)]
    if shape == "triangle":
        return [(_regular(3, 1.1), True)]
    if shape == "star":
        return [(_star(), True)]
    if shape == "cross":
        long, short = 1.0, 0.34
        upright: Points = [(-short, -long), (short, -long), (short, long), (-short, long)]
        return [(upright, True), ([(y, x) for x, y in upright], True)]
    raise ValueError(f"no outline for the shape {shape!r}")


def _regular(corners: int, radius: float) -> Points:
    """A regular polygon with one corner straight up."""
    turns = [2 * math.pi * index / corners for index in range(corners)]
    return [(radius * math.sin(turn), -radius * math.cos(turn)) for turn in turns]


def _star() -> Points:
    outer, inner = _regular(5, 1.1), _regular(10, 0.46)[1::2]
    return [point for pair in zip(outer, inner, strict=True) for point in pair]
