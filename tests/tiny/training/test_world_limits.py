"""The limits of the embedded models' world are those of rendered scenes, with a margin."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.tiny import EMBEDDED, embedded_path, render_scene
from vlmscope.tiny.training.world_limits import RENDERED, handed_on, measure_world
from vlmscope.tiny.world.splits import SELECT

LIMITS = ("hue", "brightness", "relief", "broken")


@pytest.mark.parametrize("name", EMBEDDED)
def test_cards_hold_what_was_measured(name: str) -> None:
    card = json.loads((embedded_path(name) / "vlmscope.json").read_text())
    measured = json.loads(json.dumps(RENDERED.to_record()))
    assert {**card["world"], "instead": ""} == measured


def test_limits_lie_a_tenth_beyond_the_scenes_they_are_read_off() -> None:
    seeds = SELECT[1_000_000:1_000_100]
    some = measure_world(seeds)
    assert (some.tones, some.knows) == (RENDERED.tones, RENDERED.knows)
    assert RENDERED.share[0] < some.share[0] < 0.6 and 0.95 < some.share[1] <= RENDERED.share[1]
    for name in LIMITS:
        # what was measured on more scenes is wider, and not by much
        assert 0.3 < getattr(some, name) / getattr(RENDERED, name) <= 1.0, name


@pytest.mark.slow
@pytest.mark.long
def test_the_limits_are_found_again() -> None:
    again = measure_world()
    assert again.share == pytest.approx(RENDERED.share, abs=0.01)
    for name in LIMITS:
        assert getattr(again, name) == pytest.approx(getattr(RENDERED, name), rel=0.03), name


def test_a_picture_is_handed_on_in_another_size_and_as_jpeg() -> None:
    image = render_scene(1).image
    assert np.array_equal(handed_on(image, 1.0, False), image)
    assert handed_on(image, 0.5, False).shape == (64, 64, 3)
    jpeg = handed_on(image, 1.5, True)
    plain = handed_on(image, 1.5, False)
    assert jpeg.shape == plain.shape == (192, 192, 3)
    assert 0 < np.abs(jpeg.astype(int) - plain).mean() < 10
