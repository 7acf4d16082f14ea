"""Heads that were discovered on this machine are found again, for the same weights and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from families import llava
from vlmscope.errors import BadHeadSetError
from vlmscope.heads.choice import known_heads, resolve_heads
from vlmscope.heads.kept import keep, kept_folder, kept_for
from vlmscope.types import Head, HeadSet

IMAGE = np.full((40, 60, 3), 120, np.uint8)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VLMSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    model = llava("llama")
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def model(folder: Path) -> Any:
    return vs.load(folder)


def heads_of(model: Any, *heads: tuple[int, int]) -> HeadSet:
    chosen = tuple(Head(*head) for head in heads)
    return HeadSet(chosen, model.id, model.revision, source="discovered")


def test_nothing_is_kept_at_first(model: Any) -> None:
    assert kept_for(model) is None and known_heads(model) is None
    with pytest.raises(BadHeadSetError, match=r"heads discover .* --images FOLDER"):
        resolve_heads(None, model)


def test_what_is_kept_is_found_by_later_calls(model: Any, folder: Path, home: Path) -> None:
    path = keep(heads_of(model, (2, 1), (3, 2)))
    assert path.parent == home / "heads" and path.is_file()
    again = vs.load(folder)
    assert resolve_heads(None, again).heads == (Head(2, 1), Head(3, 2))
    grounding = vs.ground(again, IMAGE, "a cup")
    assert grounding.method == "localization-heads"
    assert grounding.details["heads"] == ["L2H1", "L3H2"]
    # the newest stands
    keep(heads_of(model, (1, 0)))
    assert resolve_heads(None, again).heads == (Head(1, 0),)


def test_other_weights_do_not_find_them(model: Any) -> None:
    keep(heads_of(model, (2, 1)))
    other = replace(heads_of(model, (2, 1)), revision="sha256:0123456789abcdef")
    assert kept_for(model) is not None
    assert keep(other) != keep(heads_of(model, (2, 1)))
    stranger = llava("llama")
    assert stranger.revision != model.revision
    assert kept_for(stranger) is None


def test_weights_without_a_fingerprint(model: Any) -> None:
    with pytest.raises(BadHeadSetError, match="no fingerprint.*heads.json"):
        keep(replace(heads_of(model, (2, 1)), revision=None))


def test_a_damaged_file_is_said(model: Any) -> None:
    keep(heads_of(model, (2, 1))).write_text("{")
    with pytest.raises(BadHeadSetError, match="is not JSON"):
        vs.ground(model, IMAGE, "a cup")


def test_shipped_heads_come_before_kept_ones_and_these_before_published() -> None:
    tiny = vs.load("tiny-llava")
    shipped = resolve_heads(None, tiny)
    keep(heads_of(tiny, (0, 0)))
    assert resolve_heads(None, tiny) == shipped


def test_the_place_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VLMSCOPE_HOME", "~/somewhere")
    assert kept_folder() == Path.home() / "somewhere/heads"
    monkeypatch.delenv("VLMSCOPE_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert kept_folder() == tmp_path / "vlmscope/heads"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert kept_folder() == Path.home() / ".local/share/vlmscope/heads"
    monkeypatch.setattr("sys.platform", "darwin")
    assert kept_folder() == Path.home() / "Library/Application Support/vlmscope/heads"


# the first call on a model whose heads nobody knows


def test_ground_answers_by_a_method_that_needs_none(model: Any) -> None:
    first, second = vs.ground(model, IMAGE, ["a cup", "a dog"])
    for grounding in (first, second):
        assert grounding.method == "mean-attention"
        assert "No localization heads are known" in grounding.warnings[0]
        assert "heads discover" in grounding.warnings[0] and "--images" in grounding.warnings[0]
    plain, _ = vs.ground(model, IMAGE, ["a cup", "a dog"], method="mean-attention")
    assert np.array_equal(plain.score_map, first.score_map) and plain.box == first.box
    assert not any("No localization heads" in text for text in plain.warnings)


def test_heads_or_a_method_that_are_named_are_used(model: Any) -> None:
    assert vs.ground(model, IMAGE, "a cup", heads="L2H1").method == "localization-heads"
    with pytest.raises(BadHeadSetError, match="No localization heads are known"):
        vs.ground(model, IMAGE, "a cup", method="localization-heads")
