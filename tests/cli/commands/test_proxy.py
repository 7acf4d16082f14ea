"""``--proxy``: a second vision tower for proxyclip, from a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from towers import tiny_tower
from vlmscope.tiny import render_scene


@pytest.fixture
def tower(tmp_path: Path) -> Path:
    hf, processor = tiny_tower("dinov2")
    hf.save_pretrained(tmp_path / "tower")
    processor.save_pretrained(tmp_path / "tower")
    return tmp_path / "tower"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(render_scene(0).image).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_ground_and_segment_take_a_folder(run, tower: Path, picture: Path) -> None:
    words = ("--model", "tiny-clip", "--method", "proxyclip", "--json", "-q", "--proxy", tower)
    for call in (("ground", picture, "a circle"), ("segment", picture, "-c", "a circle, a star")):
        result = run(*call, *words)
        assert result.code == 0, result.err
        assert f'"id": "{tower}"' in result.out


def test_a_tower_for_all_methods_is_refused(run, tower: Path, picture: Path) -> None:
    result = run(
        "ground", picture, "a circle", "--model", "tiny-clip", "--method", "all", "--proxy", tower
    )
    assert result.code == 2 and "--proxy is for proxyclip" in result.err


def test_proxyclip_without_a_tower_says_what_to_give(run, picture: Path) -> None:
    result = run("ground", picture, "a circle", "--model", "tiny-clip", "--method", "proxyclip")
    assert result.code == 2 and "--proxy FOLDER" in result.err


def test_eval_measures_proxyclip_and_says_its_tower(run, tower: Path) -> None:
    words = (
        "eval",
        "tiny-scenes",
        "--limit",
        2,
        "--model",
        "tiny-clip",
        "--json",
        "-q",
        "--proxy",
        tower,
    )
    result = run(*words, "--method", "proxyclip,maskclip")
    assert result.code == 0, result.err
    settings = [each["setting"] for each in json.loads(result.out)["runs"]]
    assert settings[0]["proxy"]["id"] == str(tower) and "proxy" not in settings[1]
    refused = run(*words, "--method", "gem")
    assert refused.code == 2 and "not among the methods" in refused.err
