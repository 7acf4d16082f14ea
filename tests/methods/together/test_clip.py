"""Frames of a clip: shares over time, spans of steps, both ways, and what is refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from clips import random_frames, save_animation
from lvlms import made
from vlmscope.errors import BadImageError, UnknownNameError, UnsupportedError
from vlmscope.results.repeat import command_of, python_of
from vlmscope.viewer import View

PHRASE = "the small red circle"
HEADS = "L1H1,L2H3"


@cache
def as_video() -> Any:
    """Five frames, so that the last of three steps shows one."""
    return vs.ground_clip(made("qwen2-vl"), random_frames(5, 60, 90), PHRASE, heads=HEADS, fps=2)


def test_a_video_has_steps_of_two_frames() -> None:
    found = as_video()
    assert found.way == "video" and len(found.frames) == 3
    assert found.spans == ((0.0, 0.5), (1.0, 1.5), (2.0, 2.0))
    assert found.times == (0.25, 1.25, 2.0) and found.even == pytest.approx((1 / 3,) * 3)
    assert sum(found.share) == pytest.approx(1.0, abs=1e-12)
    assert found.when == found.spans[found.where]
    frames = random_frames(5, 60, 90)
    for step, part in zip((0, 2, 4), found.frames, strict=True):
        np.testing.assert_array_equal(part.image, frames[step])
    each = list(found.each_frame())
    assert [second for second, _ in each] == [0.0, 0.5, 1.0, 1.5, 2.0]
    np.testing.assert_array_equal(each[3][1].image, frames[3])
    assert each[3][1].box == found.frames[1].box


def test_shares_are_the_sums_of_the_tokens_of_each_step() -> None:
    model, found = made("qwen2-vl"), as_video()
    from vlmscope.attention.pictures import Shown
    from vlmscope.attention.prefill import run
    from vlmscope.models import Prompt

    shown = Shown(model, random_frames(5, 60, 90), [0.0, 0.5, 1.0, 1.5, 2.0])
    with vs.capture(model, rows="last_text", heads=[(1, 1), (2, 3)]) as trace:
        run(model, shown.encoded(Prompt(PHRASE), model.resolve_preset(None)))
    row = trace.rows_of([(1, 1), (2, 3)]).double().mean(dim=(0, 1)).numpy()
    thirds = row.reshape(3, -1).sum(axis=1)  # step after step, each of as many tokens
    np.testing.assert_allclose(found.share, thirds / thirds.sum(), rtol=1e-5)


def test_the_same_frames_as_pictures_have_a_step_each() -> None:
    model, frames = made("qwen2-vl"), random_frames(3, 60, 90)
    found = vs.ground_clip(model, frames, PHRASE, way="pictures", heads=HEADS, fps=2)
    beside = vs.ground_pictures(model, frames, PHRASE, heads=HEADS)
    assert found.way == "pictures" and found.spans == ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))
    assert found.share == beside.share
    assert [part.box for part in found.frames] == [part.box for part in beside.pictures]


def test_families_that_read_no_video_are_shown_pictures() -> None:
    model, frames = made("llava"), random_frames(3, 60, 90)
    assert vs.ground_clip(model, frames, PHRASE, heads=HEADS).way == "pictures"
    with pytest.raises(UnsupportedError, match="several pictures"):
        vs.ground_clip(model, frames, PHRASE, way="video", heads=HEADS)
    with pytest.raises(UnsupportedError, match="one image per prompt"):
        vs.ground_clip(made("blip-2"), frames, PHRASE, method="mean-attention")


def test_a_result_says_itself_is_saved_and_repeated(tmp_path: Path) -> None:
    found = as_video()
    record = json.loads(found.to_json())
    assert record["way"] == "video" and record["when"] == list(found.when)
    assert record["frames"][1]["seconds"] == [1.0, 1.5]
    assert record["frames"][2]["shown"] == [{"frame": 4, "seconds": 2.0}]
    assert "read as video" in repr(found) and "<iframe" in found._repr_html_()
    names = [path.name for path in found.save(tmp_path)]
    assert names[:2] == ["frame-001-0.00s.png", "frame-002-0.50s.png"] and len(names) == 7
    view = View.read(tmp_path / "index.html")
    assert [block["type"] for block in view.blocks][:2] == ["curves", "compare"]
    assert view.blocks[0]["x"] == list(found.times)
    assert len(view.blocks[1]["scenes"]) == 3
    assert "vs.ground_clip(" in python_of(found.frames[0])
    assert command_of(found.frames[0]).startswith("vlmscope clip CLIP --phrase")
    assert "--frames 5 --way video" in command_of(found.frames[0])


def test_an_animation_is_read_with_its_times(tmp_path: Path) -> None:
    path = save_animation(tmp_path / "noise.gif", random_frames(6, 60, 60), 500)
    found = vs.ground_clip(made("llava"), path, [PHRASE], frames=3, heads=HEADS)
    assert [each.times for each in found] == [(0.5, 1.5, 2.5)]
    assert found[0].source == str(path) and found[0].indices == (1, 3, 5)


def test_what_cannot_be_asked_is_said() -> None:
    frames = random_frames(2, 60, 60)
    with pytest.raises(UnknownNameError, match="way"):
        vs.ground_clip(made("llava"), frames, PHRASE, way="film")
    with pytest.raises(BadImageError, match="no frames"):
        vs.ground_clip(made("llava"), [], PHRASE, heads=HEADS)
