"""Turning by EXIF's numbers, against Pillow's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.datasets.openimages.turns import (
    ORIENTATION_OF_DEGREES,
    turned_pixels,
    turned_place,
)
from vlmscope.data.images import open_image


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_and_places_turn_as_an_opened_file_does(tmp_path: Path, orientation: int) -> None:
    pixels = picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    opened = open_image(tmp_path / "a.png")
    assert opened.orientation == orientation
    assert np.array_equal(turned_pixels(pixels, orientation), opened.pixels)
    height, width = opened.size
    for row in range(5):
        for column in range(8):
            x, y = turned_place((column + 0.5) / 8, (row + 0.5) / 5, orientation)
            there = opened.pixels[int(y * height), int(x * width)]
            assert np.array_equal(there, pixels[row, column])


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_degrees_are_counter_clockwise(degrees: int) -> None:
    pixels = picture()
    turned = turned_pixels(pixels, ORIENTATION_OF_DEGREES[degrees])
    expected = np.asarray(Image.fromarray(pixels).rotate(degrees, expand=True))
    assert np.array_equal(turned, expected) and turned.flags.c_contiguous
