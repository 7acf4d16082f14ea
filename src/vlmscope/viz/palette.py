"""Colours for classes: as many as asked for, the first ones easy to tell apart."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["BACKGROUND_COLOUR", "class_colours"]

BACKGROUND_COLOUR = (0, 0, 0)

_GOLDEN = 137.50776  # degrees: no two of the hues near each other in order are alike
# lightness and strength in turn, so that neighbours in hue differ in these
_LIGHTNESS = (0.72, 0.58, 0.84, 0.65, 0.50)
_CHROMA = (0.17, 0.20, 0.13, 0.11)


@functools.lru_cache(maxsize=8)
def _table(count: int) -> NDArray[np.uint8]:
    index = np.arange(count)
    hue = np.deg2rad(25 + index * _GOLDEN)
    lightness = np.array(_LIGHTNESS)[index % len(_LIGHTNESS)]
    chroma = np.array(_CHROMA)[index // 2 % len(_CHROMA)]
    return _from_oklch(lightness, chroma, hue)


def class_colours(count: int) -> NDArray[np.uint8]:
    """Uint8 (count, 3): the RGB colour of every class; a class keeps its colour as others join."""
    return _table(count).copy()


def _from_oklch(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """OKLCH (Ottosson 2020) to 8-bit sRGB; what lies outside is clipped."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=-1,
    ).clip(0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(curved * 255).astype(np.uint8)
