"""``vlmscope segment``: a folder goes on where it stopped, and every bad input is one clear line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dual_families import LABELS, clip, vit
from sams import bold, refiner, tiny_sam
from vlmscope.methods.segment import Segmenter

CLASSES = "dog,person: man|woman,sky"
QUIET_GEM = (
    "--method",
    "gem",
    "--temperature",
    "perplexity",
)  # nothing to warn of on a narrow model


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    model = clip()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures, one of them in a subfolder, and a file that is none."""
    folder = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (40, 60)), ("b.jpg", (50, 50)), ("sub/c.png", (9, 90))):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(path)
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def words(clip_folder: Path, photo: Path) -> list[Any]:
    return ["segment", photo, "--classes", CLASSES, "--model", clip_folder]


def tree(folder: Path) -> dict[str, float]:
    """Files with the time at which they were written."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


# one image


def test_a_table_on_stdout(run: Any, words: list[Any]) -> None:
    result = run(*words, "--method", "maskclip")
    assert result.code == 0, result.err
    header, *rows = result.out.splitlines()
    assert header.split() == ["image", "class", "share", "confidence", "presence"]
    assert rows and all(row.startswith("photo.png") for row in rows)
    shares = [float(row.split()[2].rstrip("%")) for row in rows]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert shares == sorted(shares, reverse=True)
    assert result.err == ""


def test_opacity_is_of_the_overlays(run: Any, words: list[Any], tmp_path: Path) -> None:
    pictures = []
    for number, more in enumerate(([], ["--opacity", "0"], ["--opacity", "1.0"])):
        out = tmp_path / f"out{number}"
        assert run(*words, *QUIET_GEM, "--out", out, *more).code == 0
        (place,) = (out / "overlays").rglob("*.png")
        with Image.open(place) as picture:
            pictures.append(np.asarray(picture.convert("RGB")).astype(int)[100:200, 100:200])
    usual, none, full = pictures
    assert 0.35 < np.abs(usual - none).sum() / np.abs(full - none).sum() < 0.55


@pytest.mark.parametrize("value", ["-0.1", "1.01", "nan", "inf"])
def test_an_opacity_outside_its_range(
    refused: Any, words: list[Any], tmp_path: Path, value: str
) -> None:
    refused(
        [*words, "--out", tmp_path / "out", "--opacity", value], "opacity", "from 0 to 1", value
    )


def test_an_opacity_of_nothing(refused: Any, words: list[Any], tmp_path: Path) -> None:
    refused([*words, "--opacity", "0.5"], "--out DIR")
    refused([*words, "--out", tmp_path / "o", "--no-overlays", "--opacity", "0.5"], "--overlays")


def test_json_holds_settings_and_every_class(run: Any, words: list[Any]) -> None:
    options = ["--background", "0.5", "--window", "64", "--stride", "32", "--side", "96"]
    record = json.loads(run(*words, "--json", *options, "--method", "gem", "--iterations", "2").out)
    assert record["method"] == "gem"
    assert record["classes"] == {"dog": ["dog"], "person": ["man", "woman"], "sky": ["sky"]}
    assert record["options"]["iterations"] == 2
    assert record["background"] == 0.5
    (image,) = record["images"]
    assert image["details"]["windows"] == 2 * 4
    assert [each["name"] for each in image["classes"]] == ["dog", "person", "sky"]
    assert image["image_size"] == {"height": 60, "width": 90}
    assert record["skipped"] == []


def test_one_image_into_a_folder(run: Any, words: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    result = run(*words, *QUIET_GEM, "-o", out, "--format", "png,coco,yolo")
    assert result.code == 0, result.err
    assert sorted(tree(out)) == [
        "annotations.json",
        "data.yaml",
        "labels/photo.txt",
        "masks/photo.png",
        "overlays/photo.png",
        "records/photo.json",
        "segmentation.json",
    ]
    assert result.err == f"1 image in {out}\n"
    with Image.open(out / "masks" / "photo.png") as mask:
        assert mask.mode == "P"
        assert mask.size == (90, 60)
        counts = np.bincount(np.asarray(mask).ravel(), minlength=3)
    record = json.loads((out / "records" / "photo.json").read_text())
    assert [each["area"] for each in record["classes"]] == counts.tolist()


def test_one_class_alone_has_a_threshold_of_its_own(run: Any, words: list[Any]) -> None:
    words[3] = "dog"
    result = run(*words, "--no-compete", "--threshold", "mean")
    assert result.code == 0, result.err
    assert "(background)" in result.out


def test_notes_on_classes_are_said(run: Any, words: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("café\ndog\n\ndog\n".encode("cp1252"))
    words[3] = path
    result = run(*words)
    assert result.code == 0
    assert "classes: 1 class was given more than once and merged: 'dog'" in result.err
    assert "was read as Windows-1252; line 1 is 'café'" in result.err
    # --quiet keeps notes quiet, not what speaks against the result
    quiet = run(*words, *QUIET_GEM, "--quiet").err
    assert quiet == f"warning: The vocabulary of {words[5]} lacks 'café': read as 'unknown'.\n"


@pytest.mark.parametrize("name", ["masks", "overlays", "records", "labels"])
def test_a_file_in_place_of_a_folder_is_found_first(
    refused: Callable[..., str], words: list[Any], tmp_path: Path, name: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("in the way")
    words[5] = "no-such-model"  # so nothing was loaded when it is said
    refused([*words, "--format", "png,yolo", "-o", tmp_path / "out"], "Cannot write", name)


def test_images_that_differ_in_their_ending_keep_results_of_their_own(
    run: Any, words: list[Any], photo: Path, tmp_path: Path
) -> None:
    twin = photo.with_suffix(".bmp")
    with Image.open(photo) as picture:
        picture.rotate(180).save(twin)
    out = tmp_path / "out"
    for image in (photo, twin, photo, twin):  # the second time nothing is done again
        words[1] = image
        result = run(*words, "-o", out)
        assert result.code == 0, result.err
    assert "1 of them before" in result.err
    made = sorted(path.name for path in (out / "records").iterdir())
    assert made == [f"{photo.name[:-4]}.bmp.json", f"{photo.stem}.json"]
    named = [json.loads((out / "records" / name).read_text())["source"]["image"] for name in made]
    assert named == [twin.name, photo.name]


def test_absent_classes_and_low_scores_on_the_command_line(run: Any, words: list[Any]) -> None:
    shown = json.loads(run(*words, "--least-presence", "1", "--json").out)
    (record,) = shown["images"]
    assert shown["least_presence"] == 1
    assert all(each["area"] == 0 for each in record["classes"])
    size = record["image_size"]
    assert record["background_area"] == size["height"] * size["width"]
    none = json.loads(run(*words, "--least-score", "1", "--json").out)["images"][0]
    assert none["background_area"] == record["background_area"]


def test_classes_that_the_model_reads_alike_are_said_once(run: Any, words: list[Any]) -> None:
    words[3] = "gnu,emu,sky"
    result = run(*words, *QUIET_GEM)
    assert result.code == 0
    assert result.err.count("reads 'gnu', 'emu' alike and cannot tell them apart") == 1
    assert result.err.count("lacks 'gnu', 'emu'") == 1


def test_more_classes_than_a_palette_holds(run: Any, words: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f"thing {number}" for number in range(1000)))
    words[3] = path
    assert run(*words, "-o", tmp_path / "out", "--no-overlays", "-q").code == 0
    with Image.open(tmp_path / "out" / "masks" / "photo.png") as mask:
        assert mask.mode == "I;16"
    record = json.loads((tmp_path / "out" / "records" / "photo.json").read_text())
    assert record["mask"] == {"bits": 16, "background": 65535}
    assert len(record["classes"]) == 1000
    assert not (tmp_path / "out" / "overlays").exists()


def test_what_a_method_warns_of_is_said_once(run: Any, words: list[Any], photos: Path) -> None:
    words[1] = photos
    result = run(*words, "--method", "gem", "-q")
    assert result.err.startswith("warning: GEM's adaptive temperature is about")
    assert result.err.count("\n") == 1


# a folder


def test_a_folder_with_its_subfolders(run: Any, words: list[Any], photos: Path) -> None:
    words[1] = photos
    result = run(*words, "-o", photos.parent / "out", "--json")
    assert result.code == 0, result.err
    record = json.loads(result.out)
    names = [image["source"]["image"] for image in record["images"]]
    assert names == ["a.png", "b.jpg", "sub/c.png"]
    assert (photos.parent / "out" / "masks" / "sub" / "c.png").is_file()
    assert "segment: 100%" in result.err


def test_results_beneath_the_images_are_not_images(
    run: Any, words: list[Any], photos: Path
) -> None:
    words[1] = photos
    for _ in range(2):
        result = run(*words, "-o", photos / "out", "--json", "-q")
        assert len(json.loads(result.out)["images"]) == 3


def test_bad_images_are_skipped_with_the_reason(run: Any, words: list[Any], photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    (photos / "empty.png").write_bytes(b"")
    words[1] = photos
    result = run(*words, "--json", "-q")
    assert result.code == 1
    record = json.loads(result.out)
    assert len(record["images"]) == 3
    assert [each["image"] for each in record["skipped"]] == ["broken.jpg", "empty.png"]
    assert "0 bytes" in record["skipped"][1]["reason"]
    assert "warning: empty.png: The image" in result.err
    assert "2 of 5 images skipped" in result.err


def test_an_image_of_an_impossible_shape_is_skipped(
    run: Any, words: list[Any], photos: Path
) -> None:
    Image.new("RGB", (20000, 2)).save(photos / "line.png")
    words[1] = photos
    result = run(*words, "--json", "-q")
    assert result.code == 1
    (skipped,) = json.loads(result.out)["skipped"]
    assert skipped["image"] == "line.png"
    assert "more than the 65536 that can be attended" in skipped["reason"]


def test_a_folder_without_a_usable_image_fails(run: Any, words: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("a.jpg", "b.png"):
        (folder / name).write_bytes(b"")
    words[1] = folder
    result = run(*words, "-q")
    assert result.code == 2
    assert result.out == ""
    assert "None of 2 images could be used: The image" in result.err


def test_a_run_goes_on_where_it_was_interrupted(
    run: Any, words: list[Any], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words[1] = photos
    out = photos.parent / "out"
    words += [*QUIET_GEM, "-o", out, "--format", "png,coco"]
    whole = run(*words[:-4], "--json", "-q")
    real, calls = Segmenter.__call__, []

    def interrupted(self: Segmenter, image: Any) -> Any:
        calls.append(image.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, image)

    monkeypatch.setattr(Segmenter, "__call__", interrupted)
    stopped = run(*words)
    assert stopped.code == 130
    assert "1 of 3 images are done. The same command goes on." in stopped.err
    before = tree(out)
    assert sorted(before) == [
        "masks/a.png",
        "overlays/a.png",
        "records/a.json",
        "segmentation.json",
    ]
    monkeypatch.setattr(Segmenter, "__call__", real)
    finished = run(*words, "--json")
    assert finished.code == 0
    after = tree(out)
    assert {name: after[name] for name in before} == before  # nothing is written twice
    assert f"3 images in {out}, 1 of them before" in finished.err
    areas = [
        [[each["area"] for each in image["classes"]] for image in json.loads(text)["images"]]
        for text in (whole.out, finished.out)
    ]
    assert areas[0] == areas[1]
    document = json.loads((out / "annotations.json").read_text())
    assert [each["file_name"] for each in document["images"]] == ["a.png", "b.jpg", "sub/c.png"]
    third = run(*words, "-q")
    assert (third.code, third.err) == (0, "")
    assert {name: tree(out)[name] for name in before} == before


def test_other_settings_do_not_mix(run: Any, words: list[Any], photos: Path) -> None:
    words[1] = photos
    words += ["-o", photos.parent / "out", "-q"]
    assert run(*words).code == 0
    before = tree(photos.parent / "out")
    for changed in (["--background", "0.4"], ["--method", "maskclip"], ["--classes", "dog,sky"]):
        result = run(*words, *changed)
        assert result.code == 2
        assert "holds results of a run with another" in result.err
        assert tree(photos.parent / "out") == before
    assert run(*words, "--background", "0.4", "--overwrite").code == 0
    assert tree(photos.parent / "out")["masks/a.png"] != before["masks/a.png"]


# bad input, found before a model is loaded


def classes(*value: str) -> Callable[[list[Any], Path], list[Any]]:
    return lambda words, folder: [*words[:3], *value, *words[4:]]


def more(*added: str) -> Callable[[list[Any], Path], list[Any]]:
    return lambda words, folder: [
        *words,
        *(str(folder / part[1:]) if part.startswith("@") else part for part in added),
    ]


def image(name: str) -> Callable[[list[Any], Path], list[Any]]:
    return lambda words, folder: [words[0], folder / name, *words[2:]]


def no_classes(words: list[Any], folder: Path) -> list[Any]:
    return [*words[:2], *words[4:]]


EARLY: dict[str, tuple[Callable[[list[Any], Path], list[Any]], str]] = {
    "no such image": (image("missing.png"), "There is no image or folder"),
    "no image in the folder": (image("empty"), "holds no image. Images end in .jpg"),
    "no classes option": (no_classes, "--classes"),
    "no class": (classes(" , "), "No class was given"),
    "no class file": (classes("missing.txt"), "Cannot read the class file 'missing.txt'"),
    "a text of two classes": (classes("a: x, b: x"), "stands for two classes"),
    "unknown format": (more("--format", "png,coko", "-o", "@out"), "Did you mean 'coco'"),
    "no format": (more("--format", ",", "-o", "@out"), "--format names no format"),
    "format without folder": (more("--format", "coco"), "--out DIR where; give both"),
    "a file in the way": (more("-o", "@file/out"), "Cannot write"),
    "nowhere to write": (more("-o", "/proc/nowhere/out"), "Cannot write"),
    "unknown method": (more("--method", "gme"), "Did you mean 'gem'"),
    "method without patches": (more("--method", "localization-heads"), "no scores per patch"),
    "option of ground": (more("--keep", "area"), "No such option: --keep"),
}


@pytest.mark.parametrize("what", EARLY)
def test_bad_input_is_found_before_a_model_is_loaded(
    refused: Any, words: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def loaded(*args: Any, **options: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("vlmscope.models.load", loaded)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    change, message = EARLY[what]
    refused(change(words, tmp_path), message)


def test_results_right_among_the_images_are_refused(
    refused: Any, words: list[Any], photos: Path
) -> None:
    words[1] = photos
    refused([*words, "-o", photos], "Choose another folder for --out")


def test_coco_without_pycocotools(
    refused: Any, words: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    refused([*words, "-o", tmp_path / "out", "--format", "coco"], "pip install 'vlmscope[coco]'")


# bad input that only the model shows

LATE = {
    "one class": (classes("dog"), "One class alone ('dog') would take every pixel"),
    "background of 2": (more("--background", "2"), "between 0 and 1"),
    "background alone": (
        lambda w, f: [*w[:3], "dog", *w[4:], "--no-compete", "--background", "0.5"],
        "for classes that compete",
    ),
    "window below a patch": (more("--window", "4"), "A window has at least one patch (8 pixels)"),
    "threshold of competing classes": (more("--threshold", "mean"), "do not compete"),
}


@pytest.mark.parametrize("what", LATE)
def test_what_the_method_cannot_do_is_refused(
    refused: Any, words: list[Any], tmp_path: Path, what: str
) -> None:
    change, message = LATE[what]
    refused([*change(words, tmp_path), "--out", tmp_path / "out"], message)


def test_a_classifier_names_the_nearest_label(
    refused: Any, run: Any, words: list[Any], tmp_path: Path
) -> None:
    model = vit()
    for part in (model.hf, model.processor):
        part.save_pretrained(tmp_path / "vit")
    words[5] = tmp_path / "vit"
    words[3] = "zebr,bus"
    refused(words, "Unknown label 'zebr'. Did you mean 'zebra'")
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    words[3] = tmp_path / "labels.txt"
    assert run(*words, "-q").code == 0


def test_help_lists_the_options_of_the_method(run: Any) -> None:
    shown = run("segment", "--method", "naclip", "--help").out
    assert "--window-std" in shown
    assert "--stride" in shown
    assert "--keep " not in shown and "--surface" not in shown


@pytest.mark.parametrize("names", [("a.png",), ("a.png", "sub/b.png")], ids=["one", "two"])
def test_a_run_without_a_usable_image_leaves_nothing(
    run: Any, tmp_path: Path, names: tuple[str, ...]
) -> None:
    images = tmp_path / "images"
    for name in names:
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(b"no picture")
    for source in (images, images / names[0]):
        result = run(
            "segment", source, "-c", "red,blue", "-o", tmp_path / "out", "--format", "png,yolo"
        )
        assert result.code == 2 and "no picture" in result.err
        assert not (tmp_path / "out").exists()


def test_what_earlier_runs_left_stays_when_a_run_fails(run: Any, tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    Image.new("RGB", (40, 30), "red").save(images / "a.png")
    assert run("segment", images, "-c", "red,blue", "-o", out).code == 0
    (images / "a.png").write_bytes(b"no picture")
    before = sorted(out.rglob("*"))
    assert run("segment", images, "-c", "red,blue", "-o", out).code == 2
    assert sorted(out.rglob("*")) == before


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam")
    made = bold(refiner())
    made.hf.save_pretrained(folder)
    tiny_sam()[1].save_pretrained(folder)
    return folder


RULES = ("--sam-points", "3", "--sam-iou", "0.2", "--sam-stability", "0.3", "--sam-overlap", "1")


def test_masks_of_sam_vote_on_the_command_line(
    run: Any, words: list[Any], sam: Path, tmp_path: Path
) -> None:
    out = tmp_path / "masks"
    result = run(*words, *QUIET_GEM, "--refine", sam, *RULES, "--out", out, "--json")
    assert result.code == 0, result.err
    record = json.loads(result.out)["refined"]
    assert (record["model"], record["masks"]["points"]) == (str(sam), 3)
    plain = json.loads(run(*words, *QUIET_GEM, "--json").out)
    assert "refined" not in plain
    other = run(*words, *QUIET_GEM, "--refine", sam, "--out", out)
    assert other.code == 2 and "--overwrite" in other.err  # other rules make another result


def test_pixels_presence_and_discount_on_the_command_line(run: Any, words: list[Any]) -> None:
    plain = json.loads(run(*words, *QUIET_GEM, "--json").out)
    result = run(
        *(*words, *QUIET_GEM, "--refine-pixels", "2", "--refine-side", "32", "--discount", ".4"),
        *("--presence-rule", "rivals", "--json"),
    )
    assert result.code == 0, result.err
    shown = json.loads(result.out)
    options = shown["options"]
    assert (options["refine_pixels"], options["refine_side"], options["discount"]) == (2, 32, 0.4)
    assert "softmax" in shown["presence_is"] and "softmax" not in plain["presence_is"]
    before, after = (each["images"][0]["classes"] for each in (plain, shown))
    assert [each["area"] for each in before] != [each["area"] for each in after]
    assert all(each["presence"] <= 0 for each in after)


def test_background_words_are_said_and_every_pixel_is_a_word_away(
    run: Any, refused: Any, words: list[Any]
) -> None:
    words[3] = "dog,bus"
    plain = run(*words, *QUIET_GEM, "--every-pixel", "--json")
    result = run(*words, *QUIET_GEM, "--background-words", "--json")
    assert result.code == plain.code == 0, result.err
    shown = json.loads(result.out)
    assert shown["background_words"] == ["sky", "tree", "grass"]
    assert "--every-pixel" in result.err and "--every-pixel" not in plain.err
    assert "background_words" not in json.loads(plain.out)
    every, less = (
        sum(each["area"] for each in record["images"][0]["classes"])
        for record in (json.loads(plain.out), shown)
    )
    assert less < every
    refused([*words, "--background-words", "--no-compete"], "nothing competes")
    refused([*words, "--presence-rule", "rivals", "--least-presence", ".1"], "--presence-rule mean")


def test_what_sam_makes_is_refused_without_a_sam(refused: Any, words: list[Any]) -> None:
    refused([*words, "--sam-points", "8"], "there is no SAM", "--refine")
    refused([*words, "--refine", "no/../sam", "--sam-iou", "-1"], "least_iou")
    refused([*words, "--presence-rule", "peak"], "presence_rule", "rivals")
