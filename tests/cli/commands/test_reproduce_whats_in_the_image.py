"""``vlmscope reproduce whats-in-the-image``: cost first, findings, the same command goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from views import page_view
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.reproduce.whats_in_the_image.paper import claims


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    make_tiny("coco-panoptic", tmp_path / "coco", 2)
    named = ["reproduce", "whats-in-the-image", "--model", "tiny-llava"]
    return [*named, "--root", tmp_path / "coco"]


def test_from_end_to_end(run: Any, words: list[object], tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = ("--limit", 1, "--max-new-tokens", 24, "--out", out)
    first = run(*words, *more, "--json")
    assert first.code == 0, first.err
    cost, _, _ = first.err.partition("flow: ")  # what stands before the first bar
    assert "knock-outs outside of a window" in cost and "image tokens" in cost
    content = json.loads(first.out)
    assert [each["claim"]["id"] for each in content["findings"]] == [c.id for c in claims()]
    for finding in content["findings"]:
        is_mme = finding["claim"]["dataset"] == "mme test"
        assert (finding["measured"]["value"] is None) == is_mme, finding
        assert finding["verdict"] == "undecided"
        assert ("MME is not there (--mme)" in finding["reason"]) == is_mme
    assert json.loads((out / "report.json").read_text()) == content
    assert page_view(out / "report.html").blocks
    again = run(*words, *more)
    assert again.code == 0 and "6 of 6 steps were done before" in again.err
    assert "0 confirmed, 0 refuted, 26 undecided" in again.out


def test_what_is_wrong_is_said_before_a_model_loads(
    refused: Any, words: list[object], tmp_path: Path
) -> None:
    named = words[:4]
    refused([*named, "--root", tmp_path / "none", "--json"], "no COCO JSON", "panoptic.json")
    refused([*words, "--mme", tmp_path / "coco" / "images"], "none of MME's categories")
    refused([*words, "--objects", tmp_path / "none.txt"], "list of objects")
    refused([*words, "--split", "val2017"], "takes no split")
    refused([*words, "--limit", 0], "limit must be at least 1")
    refused([*words, "--prompt", " "], "prompt is empty")
