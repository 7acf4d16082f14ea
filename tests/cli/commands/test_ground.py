"""``vlmscope ground``: results where they belong, and one clear line for every bad input."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from vlmscope.methods import Grounder
from vlmscope.results import Grounding
from vlmscope.tiny import SceneOptions, render_scene
from vlmscope.types import Head, HeadSet

HEADS = "L2H1,L3H2"


@pytest.fixture
def words(checkpoint: Path, photo: Path) -> list[Any]:
    return ["ground", photo, "the red square", "--model", checkpoint, "--heads", HEADS]


def test_a_table_on_stdout(run: Any, words: list[Any]) -> None:
    result = run(*words)
    assert result.code == 0
    header, row = result.out.splitlines()
    assert header.split() == ["phrase", "x0", "y0", "x1", "y1", "peak", "x", "peak", "y", "score"]
    assert row.startswith("the red square  ")
    assert result.err == ""


def test_json_holds_what_the_library_gives(run: Any, words: list[Any]) -> None:
    result = run(*words, "--json", "--arrays")
    record = json.loads(result.out)
    (found,) = record["groundings"]
    assert record["image"] == str(words[1])
    assert found["phrase"] == "the red square"
    assert found["image_size"] == {"height": 60, "width": 90}
    assert found["details"]["heads"] == ["L2H1", "L3H2"]
    x0, y0, x1, y1 = found["box"]
    assert 0 <= x0 < x1 <= 90
    assert 0 <= y0 < y1 <= 60
    assert np.array(found["score_map"]).shape == (4, 4)
    assert "score_map" not in json.loads(run(*words, "--json").out)["groundings"][0]


def test_every_object_has_a_row_and_a_record(run: Any, tmp_path: Path) -> None:
    scene = render_scene(20_500_011, SceneOptions(counts=(5,), equal=3))
    Image.fromarray(scene.image).save(tmp_path / "circles.png")
    words = ["ground", tmp_path / "circles.png", "the purple circles", "--further", "0.6"]
    (found,) = json.loads(run(*words, "--json").out)["groundings"]
    rows = [line.split("  ") for line in run(*words).out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["the purple circles", "the purple circles (2)"]
    first, second = found["instances"]
    assert (first["box"], first["score"]) == (found["box"], found["score"])
    assert second["score"] < first["score"]
    assert f"{second['box'][0]:.1f}" in rows[1]
    assert len(run(*words[:-1], "1").out.splitlines()) == 2


def test_options_reach_the_method(run: Any, words: list[Any]) -> None:
    result = run(*words, "--json", "--threshold", "max-share", "--share", "0.9", "--k", "1")
    details = json.loads(result.out)["groundings"][0]["details"]
    assert details["post"]["threshold"] == "max-share"
    assert details["post"]["share"] == 0.9
    assert details["heads"] == ["L2H1"]
    paper = json.loads(run(*words, "--json", "--post", "paper").out)
    assert paper["groundings"][0]["details"]["post"]["smoothing"] == "absolute"


def test_placement_is_passed_on_and_its_warning_shown(
    run: Any, words: list[Any], tmp_path: Path
) -> None:
    padded = run(*words, "--placement", "pad")
    cropped = run(*words, "--placement", "processor")
    assert padded.err == ""
    assert cropped.err.startswith("warning: The model did not see")
    assert cropped.err.count("\n") == 1


def test_several_phrases_one_picture(run: Any, words: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "new" / "overlay.png"
    result = run(*words[:3], "a dog", *words[3:], "--out", out)
    assert result.code == 0
    assert len(result.out.splitlines()) == 3
    assert result.err == f"wrote {out}\n"
    with Image.open(out) as picture:
        assert picture.size == (2 * 720 + 8, 480)


def test_one_phrase_one_overlay_enlarged_to_be_readable(
    run: Any, words: list[Any], tmp_path: Path
) -> None:
    out = tmp_path / "overlay.jpg"
    assert run(*words, "-o", out, "--quiet").err == ""
    with Image.open(out) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (720, 480)


def test_a_folder_takes_one_picture_per_phrase(run: Any, words: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    result = run(*words[:3], "a dog!", *words[3:], "--out", out, "--json")
    assert sorted(path.name for path in out.iterdir()) == ["01-the-red-square.png", "02-a-dog.png"]
    assert len(json.loads(result.out)["written"]) == 2


def test_what_was_done_to_the_image_is_said(run: Any, words: list[Any], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (60, 90), "red").save(tmp_path / "turned.jpg", exif=exif)
    words[1] = tmp_path / "turned.jpg"
    result = run(*words, "--json")
    record = json.loads(result.out)
    assert record["notes"] == ["EXIF orientation 6 applied"]
    assert record["groundings"][0]["image_size"] == {"height": 60, "width": 90}
    assert result.err == "image: EXIF orientation 6 applied\n"


@pytest.mark.parametrize("phrase", ["كلب صغير", "🐕 the dog 🎈", "naïve"])
def test_phrases_of_any_script_work(
    run: Any, words: list[Any], tmp_path: Path, phrase: str
) -> None:
    words[2] = phrase
    result = run(*words, "--out", tmp_path / "o.png", "--json")
    assert result.code == 0
    assert json.loads(result.out)["groundings"][0]["phrase"] == phrase


# images


def picture(folder: Path, name: str, image: Image.Image, **options: Any) -> Path:
    path = folder / name
    image.save(path, **options)
    return path


def frames(folder: Path) -> Path:
    others = [Image.new("RGB", (40, 30), "blue")]
    image = Image.new("RGB", (40, 30), "red")
    return picture(folder, "a.gif", image, save_all=True, append_images=others)


GOOD = {
    "1x1": lambda f: picture(f, "a.png", Image.new("RGB", (1, 1), "red")),
    "20000x20": lambda f: picture(f, "a.png", Image.new("RGB", (20000, 20), "red")),
    "20x20000": lambda f: picture(f, "a.png", Image.new("RGB", (20, 20000), "red")),
    "cmyk": lambda f: picture(f, "a.jpg", Image.new("CMYK", (40, 30))),
    "16-bit": lambda f: picture(f, "a.png", Image.fromarray(np.full((30, 40), 40000, np.uint16))),
    "palette": lambda f: picture(f, "a.png", Image.new("P", (40, 30)), transparency=0),
    "gif": frames,
}


@pytest.mark.parametrize("kind", GOOD)
def test_odd_images_work(run: Any, words: list[Any], tmp_path: Path, kind: str) -> None:
    words[1] = GOOD[kind](tmp_path)
    out = tmp_path / "overlay.png"
    result = run(*words, "--json", "--out", out)
    assert result.code == 0, result.err
    size = json.loads(result.out)["groundings"][0]["image_size"]
    with Image.open(words[1]) as image:
        assert (size["height"], size["width"]) == (image.height, image.width)
    assert out.is_file()


def test_animation_is_said(run: Any, words: list[Any], tmp_path: Path) -> None:
    words[1] = frames(tmp_path)
    assert "image: first of 2 frames" in run(*words).err


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


BAD = {
    "missing": (lambda f, p: f / "none.png", "There is no image file"),
    "folder": (lambda f, p: folder(f / "pictures"), "holds no image"),
    "empty": (lambda f, p: write(f / "e.png", b""), "0 bytes"),
    "text": (lambda f, p: write(f / "t.png", b"hello there, no image"), "not an image"),
    "truncated": (lambda f, p: write(f / "c.png", p.read_bytes()[:90]), "truncated or damaged"),
    "bomb": (
        lambda f, p: picture(f, "b.png", Image.new("1", (14000, 14000))),
        "--max-pixels 196000000",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_images(refused: Any, words: list[Any], tmp_path: Path, photo: Path, kind: str) -> None:
    make, message = BAD[kind]
    words[1] = make(tmp_path, photo)
    refused([*words, "--out", tmp_path / "overlay.png"], message)


def test_the_limit_can_be_set(refused: Any, run: Any, words: list[Any]) -> None:
    refused([*words, "--max-pixels", 5399], "the limit is 5,399")
    assert run(*words, "--max-pixels", 5400).code == 0
    refused([*words, "--max-pixels", 0], "max_pixels", "got 0")


# phrases


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("", "phrase is empty"),
        (" \t", "phrase is empty"),
        ("word " * 5000, "Shorten the phrase"),
        ("the <image> token", "image token"),
        ("\udcff broken bytes", "not valid UTF-8"),
    ],
)
def test_bad_phrases(
    refused: Any, words: list[Any], tmp_path: Path, phrase: str, message: str
) -> None:
    words[2] = phrase
    refused([*words, "--out", tmp_path / "overlay.png"], message)


# names


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (["--model", "tiny-lava"], ["Unknown model 'tiny-lava'", "'tiny-llava'"]),
        (["--method", "localization-head"], ["Unknown method", "'localization-heads'"]),
        (["--placement", "padd"], ["Unknown placement 'padd'", "'pad'"]),
        (["--prompt", "papr"], ["Unknown prompt preset 'papr'", "'paper'"]),
        (["--rows", "last_txt"], ["'last_text'"]),
        (["--post", "papre"], ["Unknown post-processing 'papre'", "'paper'"]),
        (["--threshold", "ostu"], ["'otsu'"]),
        (["--share", "2"], ["share", "2"]),
        (["--heads", "L9H1"], ["no head L9H1", "0 to 3", "0 to 7"]),
        (["--heads", "L1H99"], ["no head L1H99"]),
        (["--heads", "layer one"], ["'layer'"]),
        (["--heads", "L1H1,L1H1"], ["named twice"]),
        (["--dtype", "float8"], ["Unknown dtype 'float8'"]),
        (["--device", "toaster"], ["Unknown device 'toaster'"]),
        (["--out", "overlay.xyz"], ["overlay.xyz", ".png"]),
        (["--out", "/proc/none/overlay.png"], ["Cannot write /proc/none/overlay.png"]),
    ],
)
def test_bad_names_and_numbers(
    refused: Any, words: list[Any], change: list[str], messages: list[str]
) -> None:
    refused([*words, *change], *messages)


def test_a_model_whose_heads_are_unknown(run: Any, refused: Any, words: list[Any]) -> None:
    """The first call answers all the same; who names the method is told what it lacks."""
    result = run(*words[:-2])
    assert result.code == 0 and "the red square" in result.out
    assert "warning: No localization heads are known" in result.err
    assert "this is mean-attention" in result.err and "--images FOLDER" in result.err
    named = [*words[:-2], "--method", "localization-heads"]
    refused(named, "No localization heads are known", "--images FOLDER", "L14H24")


def test_a_folder_that_is_no_model(refused: Any, words: list[Any], tmp_path: Path) -> None:
    refused([*words, "--model", tmp_path], "config.json")
    (tmp_path / "config.json").write_text("{}")
    refused([*words, "--model", tmp_path], str(tmp_path))
    (tmp_path / "config.json").write_text("{broken")
    refused([*words, "--model", tmp_path], str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    refused([*words, "--model", tmp_path], "gpt2")


def test_a_hub_model_without_network(refused: Any, words: list[Any]) -> None:
    refused([*words, "--model", "nobody/nothing"], "nobody/nothing", "local cache")


# head files


def test_a_head_file(run: Any, words: list[Any], checkpoint: Path, tmp_path: Path) -> None:
    HeadSet(heads=(Head(2, 1),), model=str(checkpoint)).save(tmp_path / "h.json")
    words[-1] = tmp_path / "h.json"
    result = run(*words, "--json")
    assert json.loads(result.out)["groundings"][0]["details"]["heads"] == ["L2H1"]
    assert result.err == ""


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("{not json", ["is not JSON", "line 1"]),
        ("[]", ["JSON object"]),
        ("{}", ["is no head file"]),
        ('{"format": "vlmscope-heads/1"}', ["lacks the field(s) heads, model"]),
        ('{"format": "vlmscope-heads/1", "model": "m", "heads": []}', ["heads is empty"]),
        ('{"format": "vlmscope-heads/1", "model": "m", "heads": [["a", 1]]}', ["whole number"]),
        ('{"format": "vlmscope-heads/1", "model": "m", "heads": [[9, 1]]}', ["no head L9H1"]),
    ],
)
def test_bad_head_files(
    refused: Any, words: list[Any], tmp_path: Path, content: str, messages: list[str]
) -> None:
    words[-1] = tmp_path / "h.json"
    words[-1].write_text(content)
    refused(words, *messages)


def test_a_head_file_that_is_missing(refused: Any, words: list[Any], tmp_path: Path) -> None:
    words[-1] = tmp_path / "none.json"
    refused(words, "Cannot read the head file", "none.json")


def test_heads_of_another_model_are_used_with_a_warning(
    run: Any, words: list[Any], tmp_path: Path
) -> None:
    HeadSet(heads=(Head(2, 1),), model="somebody/else").save(tmp_path / "h.json")
    words[-1] = tmp_path / "h.json"
    result = run(*words)
    assert result.code == 0
    assert "warning: These heads were made for somebody/else" in result.err


@pytest.fixture
def mixed(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be spoilt."""
    return Path(shutil.copytree(checkpoint, tmp_path / "mixed"))


def change(path: Path, **values: Any) -> None:
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, **values}))


def test_a_processor_with_another_image_token(refused: Any, words: list[Any], mixed: Path) -> None:
    change(mixed / "config.json", image_token_index=3, image_token_id=3)
    refused([*words, "--model", mixed], "as id 4", "expects id 3", "processor that belongs")


def test_a_processor_with_another_image_size(refused: Any, words: list[Any], mixed: Path) -> None:
    record = json.loads((mixed / "processor_config.json").read_text())
    sizes = {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}}
    image_processor = {**record["image_processor"], **sizes}
    change(mixed / "processor_config.json", image_processor=image_processor)
    refused([*words, "--model", mixed], "processor")


def test_a_phrase_for_which_nothing_lights_up_is_said(
    run: Any, words: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Grounder.__call__

    def dark(*given: Any) -> list[Grounding]:
        return [dataclasses.replace(each, box=None) for each in real(*given)]

    monkeypatch.setattr(Grounder, "__call__", dark)
    result = run(*words)
    assert result.code == 0
    assert "nothing lights up, so there is no box" in result.err
    monkeypatch.undo()
    assert "nothing lights up" not in run(*words).err


def test_the_help_writes_the_image_in_capitals(run: Any) -> None:
    text = run("ground", "--help").out
    assert "[IMAGE... PHRASE]..." in text  # in brackets: --hidden brings its own picture
