"""The four surface textures, as a mixture of an object's main and second tone."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["surface"]


@functools.lru_cache(maxsize=4096)
def surface(texture: str, side: int, period: int, degrees: int, phase: int) -> NDArray[np.float32]:
    """The share of the main tone at each pixel of a square.

    Args:
        texture: one of ``words.TEXTURES``.
        side: pixels along an edge of the square.
        period: pixels after which the texture repeats.
        degrees: direction of stripes, dots and checks.
        phase: shift along both directions, in quarters of the period.

    Returns:
        float32 (side, side, 1) in 0..1; 1 is all main tone. Cached and read-only.
    """
    steps = np.arange(side, dtype=np.float32) - side // 2
    x, y = steps[None, :], steps[:, None]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn, shift = 2 * math.pi / period, phase * math.pi / 2
    along = ((x * cos + y * sin) * turn + shift).astype(np.float32)
    across = ((y * cos - x * sin) * turn + shift).astype(np.float32)
    result = np.clip(0.5 + _contrast(texture, along, across), 0.0, 1.0).astype(np.float32)[
        ..., None
    ]
    result.flags.writeable = False
    return result


def _contrast(
    texture: str, along: NDArray[np.float32], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Above 0.5 the main tone, below -0.5 the second; the factors set how soft the edges are."""
    if texture == "solid":
        return np.ones(np.broadcast_shapes(along.shape, across.shape), dtype=np.float32)
    if texture == "striped":
        return np.asarray(1.6 * np.cos(along) + 0 * across)
    if texture == "checkered":
        return np.asarray(2.5 * np.cos(along / 2) * np.cos(across / 2))
    if texture == "dotted":
        return np.asarray(2.0 * (0.9 - np.cos(along) - np.cos(across)))
    raise ValueError(f"no surface for the texture {texture!r}")
