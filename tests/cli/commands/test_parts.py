"""``vlmscope parts``: masks without a phrase."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from vlmscope.tiny import render_scene


def test_a_folder_of_pictures(run, tmp_path: Path) -> None:
    for number in range(2):
        Image.fromarray(render_scene(number).image).save(tmp_path / f"{number}.png")
    out = tmp_path / "out"
    words = ("parts", tmp_path, "--parts", 3, "--side", 64, "-o", out)
    result = run(*words, "--json", "-q")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert found["method"] == "parts" and len(found["images"]) == 2
    names = [each["name"] for each in found["images"][0]["classes"]]
    assert names == ["part 1", "part 2", "part 3"]
    assert len(list(out.rglob("*.png"))) >= 2
    yolo = run(*words, "--format", "png,yolo")
    assert yolo.code == 2 and "nothing to do with part 1 of another" in yolo.err
    again = run(*words)
    assert again.code == 0 and "part 1" in again.out


def test_a_decoder_and_a_layer_that_is_not_there(run, tmp_path: Path) -> None:
    Image.fromarray(render_scene(0).image).save(tmp_path / "a.png")
    refused = run("parts", tmp_path / "a.png", "--model", "tiny-llava")
    assert refused.code == 2 and "answers in words" in refused.err
    deep = run("parts", tmp_path / "a.png", "--layer", 99)
    assert deep.code == 2 and "layer lies between" in deep.err
