"""Colours for classes: as many as asked for, the first ones as far from each other as can be."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_colours"]

_DISTINCT = 256  # beyond that colours repeat: no eye would tell more of them apart
_FIRST = (0.63, 0.19, 0.11)  # OKLab of a strong red
_WEIGHTS = (0.8, 1.0, 1.0)  # of lightness, and of the two colour axes: half transparent, hue shows


def class_colours(count: int) -> NDArray[np.uint8]:
    """Uint8 (count, 3): the RGB colour of every class; a class keeps its colour as others join.

    Each colour is the one farthest from all before it in OKLab, among those neither so dark, so
    light nor so grey that they would pass for the picture beneath, nor glaring. After 256 they repeat.
    """
    table = _table()
    return table[np.arange(count) % len(table)]


@functools.cache
def _table() -> NDArray[np.uint8]:
    lab, rgb = _candidates()
    lab = lab * np.array(_WEIGHTS)
    first = np.array(_FIRST) * np.array(_WEIGHTS)
    chosen = [int(np.argmin(((lab - first) ** 2).sum(axis=1)))]
    nearest = np.full(len(lab), np.inf)
    while len(chosen) < _DISTINCT:
        nearest = np.minimum(nearest, ((lab - lab[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(nearest.argmax()))
    return rgb[chosen]


def _candidates() -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """OKLab (n, 3) and RGB (n, 3) of a lattice of the sRGB cube, without what is nearly grey."""
    steps = np.linspace(0, 1, 14)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(rgb)
    strength = np.hypot(lab[:, 1], lab[:, 2])
    fit = (strength > 0.08) & (strength < 0.23) & (lab[:, 0] > 0.42) & (lab[:, 0] < 0.9)
    return lab[fit], np.rint(rgb[fit] * 255).astype(np.uint8)


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB in 0..1 to OKLab (Ottosson 2020): (n, 3) lightness, green-red, blue-yellow."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(
        linear
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    lab: NDArray[np.float64] = cones @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    return lab
