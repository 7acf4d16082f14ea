"""Pages of pictures, and sites of pages, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from views import blocks_of, page_view
from vlmscope.viewer import View


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.full((60, 80, 3), 90, np.uint8)
    pixels[10:30, 20:50] = (220, 30, 30)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_pages_of_pictures_become_a_site(run: Any, picture: Path, tmp_path: Path) -> None:
    page, data, classes = (tmp_path / name for name in ("g.html", "g.view", "s.html"))
    one, other = ("-p", "red square"), ("-p", "a dog")
    assert run("ground", picture, *one, *other, "--html", page, "-q").code == 0
    assert len(blocks_of(page_view(page), "scene")) == 2
    shared = run("ground", picture, *one, *other, "--shared-scale", "--html", data, "-q")
    assert shared.code == 0
    (block,) = blocks_of(View.read(data), "compare")
    assert [each["scale"] for each in block["scenes"]] == [block["scale"]] * 2
    words = ("segment", picture, "-c", "red square,sky", "--html", classes)
    result = run(*words)
    assert result.code == 0 and f"wrote {classes}" in result.err
    assert blocks_of(page_view(classes), "segmentation")[0]["names"] == ["red square", "sky"]
    called = run("bundle", page, data, classes, "--out", tmp_path / "site", "--title", "All")
    assert called.code == 0 and "3 pages" in called.out
    listed = run("bundle", page, "--out", tmp_path / "site", "--json")
    assert json.loads(listed.out)["pages"][0]["name"] == "g"


def test_what_was_said_has_a_page(run: Any, picture: Path, tmp_path: Path) -> None:
    words = (
        "ground",
        picture,
        "red square",
        "--method",
        "all",
        "--html",
        tmp_path / "m.html",
        "-q",
    )
    run(*words)
    assert blocks_of(page_view(tmp_path / "m.html"), "compare")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ground", "A", "x", "--html", "g.txt"], "ends in .html"),
        (["ground", "A", "A", "x", "--html", "g.html"], "several"),
        (["segment", "FOLDER", "-c", "x", "--html", "g.html"], "several"),
        (["ground", "A", "x", "--html", "A/g.html"], "Cannot write"),
        (["bundle", "A", "--out", "site"], "no view"),
        (["bundle", "none.view", "--out", "site"], "There is no view"),
        (["bundle", "A", "--out", "site.html"], "names a folder"),
    ],
)
def test_mistakes_are_said_before_any_work(
    refused: Callable[..., str],
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"A": str(picture), "FOLDER": str(tmp_path), "A/g.html": f"{picture}/g.html"}
    assert expected in refused([places.get(word, word) for word in words])
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
