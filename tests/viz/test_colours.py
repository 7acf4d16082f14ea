"""Values become colours in one known way."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.viz import COLORMAPS, colorize
from vlmscope.viz.colours import normalize


@pytest.mark.parametrize("name", COLORMAPS)
def test_lightness_rises_all_the_way(name: str) -> None:
    colours = colorize(np.linspace(0, 1, 200), name).astype(float)
    lightness = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) >= -0.6).all()
    assert lightness[-1] - lightness[0] > 150


def test_ends_are_the_ends_of_the_table_and_values_beyond_are_clipped() -> None:
    assert colorize([-3.0, 0.0], "inferno").tolist() == [[0, 0, 4], [0, 0, 4]]
    assert colorize(np.array([[1.0, 9.0]]), "viridis").tolist() == [[[253, 231, 37]] * 2]


def test_normalize_by_own_range_or_by_a_given_one() -> None:
    assert normalize([2.0, 3.0, 4.0]).tolist() == [0, 0.5, 1]
    assert normalize([2.0, 3.0, 4.0], (0, 4)).tolist() == [0.5, 0.75, 1]
    assert normalize([2.0, 9.0], (0, 4)).tolist() == [0.5, 1]
    assert normalize([7.0, 7.0]).tolist() == [0, 0]
    assert normalize([]).size == 0


def test_bad_values() -> None:
    with pytest.raises(BadOptionError, match="2 of 3"):
        normalize([np.nan, np.inf, 1.0])
    with pytest.raises(BadOptionError, match="low <= high"):
        normalize([1.0], (2, 1))
    with pytest.raises(UnknownNameError, match="viridis"):
        colorize([0.5], "viridi")
