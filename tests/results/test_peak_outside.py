"""A box that does not hold the strongest place of its map says so."""

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding

TOKENS = map_of((100, 100), [view_over((0, 0, 100, 100), (10, 10))])


def _grounding(options: PostOptions) -> Grounding:
    grid = np.zeros((10, 10))
    grid[1, 1], grid[5:9, 5:9] = 1.0, 0.6  # one strong cell, and a wide part that is weaker
    return Grounding.of(
        locate(TOKENS, grid.ravel(), options),
        phrase="a",
        method="b",
        model="c",
        image=np.zeros((100, 100, 3), dtype=np.uint8),
        score=0.0,
        details={},
        warnings=("first",),
    )


@pytest.mark.parametrize("keep", ["hull", "area", "mass"])
def test_a_peak_outside_is_said(keep: str) -> None:
    grounding = _grounding(PostOptions(smoothing="none", keep=keep))
    assert grounding.box == (50, 50, 90, 90) and grounding.point == (15, 15)
    assert grounding.warnings[0] == "first"
    assert "(x 15, y 15) lies outside the box" in grounding.warnings[1]
    assert grounding.to_dict()["warnings"] == list(grounding.warnings)


def test_a_peak_inside_needs_no_words() -> None:
    assert _grounding(PostOptions(smoothing="none", keep="peak")).warnings == ("first",)


def test_a_map_that_lights_nowhere_has_no_peak_to_speak_of() -> None:
    located = locate(TOKENS, np.ones(100), PostOptions())
    assert located.box is None
