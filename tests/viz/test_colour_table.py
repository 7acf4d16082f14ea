"""The table of colours is what its rules say, and what the pictures here are drawn with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.viz import COLORMAPS, class_colours, colorize
from vlmscope.viz.colour_table import palette
from vlmscope.viz.palette import _oklab

FIRST = (0.63, 0.19, 0.11)  # OKLab of a strong red
WEIGHTS = np.array((0.8, 1.0, 1.0))  # of lightness, and of the two colour axes


def candidates() -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """OKLab (n, 3) and RGB (n, 3) of a lattice of the sRGB cube: nothing nearly grey, too light or dark."""
    steps = np.linspace(0, 1, 14)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(rgb)
    strength = np.hypot(lab[:, 1], lab[:, 2])
    fit = (strength > 0.08) & (strength < 0.23) & (lab[:, 0] > 0.42) & (lab[:, 0] < 0.9)
    return lab[fit], np.rint(rgb[fit] * 255).astype(np.uint8)


def test_each_colour_of_the_palette_is_the_farthest_from_all_before_it() -> None:
    lab, rgb = candidates()
    lab = lab * WEIGHTS
    chosen = [int(np.argmin(((lab - np.array(FIRST) * WEIGHTS) ** 2).sum(axis=1)))]
    nearest = np.full(len(lab), np.inf)
    while len(chosen) < 256:
        nearest = np.minimum(nearest, ((lab - lab[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(nearest.argmax()))
    np.testing.assert_array_equal(palette(), rgb[chosen])
    np.testing.assert_array_equal(class_colours(256), palette())


def test_colour_maps_rise_in_lightness() -> None:
    for name in COLORMAPS:
        lightness = _oklab(colorize(np.linspace(0, 1, 40), name) / 255)[:, 0]
        assert (np.diff(lightness) > 0).all(), name
