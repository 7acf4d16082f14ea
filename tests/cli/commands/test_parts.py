"""``vlmscope parts``: masks without a phrase."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from towers import tiny_tower
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


@pytest.mark.parametrize("kind", ["dinov2_with_registers", "vit"])
def test_the_command_takes_a_tower_as_its_model(run, kind: str, tmp_path: Path) -> None:
    hf, processor = tiny_tower(kind)
    hf.save_pretrained(tmp_path / "tower")
    processor.save_pretrained(tmp_path / "tower")
    Image.fromarray(render_scene(0).image).save(tmp_path / "a.png")
    result = run(
        "parts", tmp_path / "a.png", "--model", tmp_path / "tower", "--parts", 2, "--json", "-q"
    )
    assert result.code == 0, result.err
    record = json.loads(result.out)
    assert record["model"] == str(tmp_path / "tower") and record["revision"].startswith("sha256:")
    assert [each["name"] for each in record["images"][0]["classes"]] == ["part 1", "part 2"]


def test_the_tower_inside_a_model_that_answers_in_words(run, tmp_path: Path) -> None:
    Image.fromarray(render_scene(0).image).save(tmp_path / "a.png")
    words = ("parts", tmp_path / "a.png", "--json", "-q", "--model", "tiny-llava")
    result = run(*words, "--text-tower", "tiny-clip")
    assert result.code == 0, result.err
    assert json.loads(result.out)["model"] == "tiny-llava+tiny-clip"
    assert "--text-tower CLIP" in run(*words).err
