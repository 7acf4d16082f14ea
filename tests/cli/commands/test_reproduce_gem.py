"""``vlmscope reproduce gem``: cost first, findings, a page with curves, the same command goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from views import blocks_of, page_view
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.reproduce.gem.paper import claims


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    make_tiny("coco-panoptic", tmp_path / "coco", 2)
    return ["reproduce", "gem", "--model", "tiny-clip", "--root", tmp_path / "coco", "--side", 0]


def test_from_end_to_end(run: Any, words: list[object], tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(*words, "--out", out, "--json")
    assert first.code == 0, first.err
    cost, _, _ = first.err.partition("images: ")  # what stands before the bar
    assert "dense blocks beside each pass of 4" in cost and "image tokens" in cost
    content = json.loads(first.out)
    assert [each["claim"]["id"] for each in content["findings"]] == [c.id for c in claims()]
    for finding in content["findings"]:
        assert (finding["measured"]["value"] is None) == bool(finding["claim"]["models"])
        assert finding["verdict"] == "undecided"
    assert "a rendered set" in content["findings"][0]["reason"]
    assert json.loads((out / "report.json").read_text()) == content
    assert len(blocks_of(page_view(out / "report.html"), "curves")) == 6
    again = run(*words, "--out", out)
    assert again.code == 0 and "2 of 2 steps were done before" in again.err
    assert f"0 confirmed, 0 refuted, {len(claims())} undecided" in again.out
    assert json.loads((out / "report.json").read_text()) == content


def test_what_is_wrong_is_said(refused: Any, words: list[object], tmp_path: Path) -> None:
    refused([*words, "--limit", 0, "--json"], "limit must be at least 1")
    refused([*words, "--root", tmp_path / "none"], "There is no folder")
    refused([*words, "--data", "refcoco", "--root", tmp_path / "none"], "none")
    refused([*words, "--pixel-step", 0], "pixel_step")
    refused(["tiny-llava" if word == "tiny-clip" else word for word in words], "no dual encoder")
    refused([*words, "--model", "other", "--revision", "main"], "--revision is of one model")
