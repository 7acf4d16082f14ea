"""The live widget of notebooks holds the packed view, and says what it cannot show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from vlmscope.errors import BadOptionError, BadViewError, MissingExtraError
from vlmscope.viewer import View, shipped
from vlmscope.viewer.blocks import text
from vlmscope.viewer.widget import _widget_class, joined, view_of

RAMP = np.arange(6, dtype=np.float32)


def sample(title: str = "One") -> View:
    scene = {"type": "scene", "id": "scene", "map": RAMP}
    return View(title, "a lead", [scene, {"type": "heads", "scene": "scene"}, text("the end")])


class Result:
    """A result of a user's own."""

    def view(self) -> View:
        return sample("of a result")


def test_a_widget_holds_the_view_and_the_bundle_that_is_shipped() -> None:
    pytest.importorskip("anywidget")
    widget: Any = vs.view(Result())
    assert View.unpack(widget.view).title == "of a result"
    state = widget.get_state()
    assert state["_esm"] == shipped().script and state["_css"] == shipped().style
    assert state["view"] == sample("of a result").pack()
    widget.view = sample("another").pack()
    assert View.unpack(widget.view).title == "another"


def test_several_are_drawn_one_after_the_other() -> None:
    pytest.importorskip("anywidget")
    widget: Any = vs.view([Result(), sample("Two")], sample("Three"))
    shown = View.unpack(widget.view)
    titles = [block["text"] for block in shown.blocks if block["type"] == "heading"]
    assert shown.title == "3 results" and titles == ["of a result", "Two", "Three"]


def test_blocks_of_joined_views_speak_of_their_own_scenes() -> None:
    first, second = sample("One"), sample("Two")
    blocks = View.unpack(joined([first, second]).pack()).blocks
    scenes = [block for block in blocks if block["type"] == "scene"]
    heads = [block for block in blocks if block["type"] == "heads"]
    assert (
        [each["id"] for each in scenes]
        == [each["scene"] for each in heads]
        == ["1-scene", "2-scene"]
    )
    assert first.blocks[0]["id"] == "scene", "the views themselves stay as they are"
    assert all(np.array_equal(each["map"], RAMP) for each in scenes)


def test_files_are_read(tmp_path: Path) -> None:
    for name in ("a.view", "b.html"):
        sample().write(tmp_path / name)
        assert view_of(tmp_path / name).title == view_of(str(tmp_path / name)).title == "One"
    with pytest.raises(BadViewError, match=r"c\.view"):
        view_of(tmp_path / "c.view")


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (3, "int"),
        (None, "NoneType"),
        (np.zeros(3), "ndarray"),
        (torch.zeros(3), "Tensor"),
        (Result, "the class Result"),
        ({"box": [0, 0, 1, 1]}, "dict"),
    ],
)
def test_what_has_no_view_is_refused(thing: Any, kind: str) -> None:
    with pytest.raises(BadOptionError, match=f"got {kind}"):
        vs.view(thing)


@pytest.mark.parametrize("nothing", [[], [[], ()]])
def test_nothing_is_refused(nothing: Any) -> None:
    with pytest.raises(BadOptionError, match="nothing to view"):
        vs.view(nothing)


def test_without_anywidget_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    _widget_class.cache_clear()
    with pytest.raises(MissingExtraError, match=r"vlmscope\[notebook\]"):
        vs.view(sample())
