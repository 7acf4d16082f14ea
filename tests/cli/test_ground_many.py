"""``vlmscope ground`` on several pictures: every phrase in every picture, in every form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

OPTIONS = ["--heads", "L2H1,L3H2"]
PHRASES = ["the red square", "a dog"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with three pictures of different shapes: a, b, sub/c."""
    folder = tmp_path / "pictures"
    for number, name in enumerate(("a.png", "b.png", "sub/c.png")):
        pixels = np.full((40 + 10 * number, 60, 3), 90, np.uint8)
        pixels[8:30, 12 + 8 * number : 40] = (200, 40, 30)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture
def words(checkpoint: Path, pictures: Path) -> list[Any]:
    return ["ground", pictures, *PHRASES, "--model", checkpoint, *OPTIONS]


@pytest.fixture
def singles(run: Any, checkpoint: Path, pictures: Path) -> list[dict[str, Any]]:
    """What the same command says of each picture alone."""
    records = []
    for name in ("a.png", "b.png", "sub/c.png"):
        model = ["--model", checkpoint, *OPTIONS, "--json"]
        records.append(json.loads(run("ground", pictures / name, *PHRASES, *model).out))
    return records


def test_json_is_that_of_each_picture_alone(
    run: Any, words: list[Any], singles: list[dict[str, Any]]
) -> None:
    result = run(*words, "--json", "--quiet")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"images": singles, "skipped": []}


def test_json_lines_is_the_same_line_by_line(
    run: Any, words: list[Any], singles: list[dict[str, Any]]
) -> None:
    result = run(*words, "--format", "jsonl")
    assert [json.loads(line) for line in result.out.splitlines()] == singles


def test_the_table_names_the_picture(run: Any, words: list[Any], pictures: Path) -> None:
    result = run(*words)
    header, *rows = result.out.splitlines()
    assert header.split()[:2] == ["image", "phrase"]
    places = [str(pictures / name) for name in ("a.png", "b.png", "sub/c.png")]
    first = [row for row in rows if ") " not in row]  # further instances are numbered
    assert [row.split()[0] for row in first] == [place for place in places for _ in PHRASES]


def test_csv_holds_the_numbers_unrounded(
    run: Any, words: list[Any], singles: list[dict[str, Any]]
) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").out)))
    rows = [row for row in rows if row["instance"] == "1"]
    assert len(rows) == 6
    for row, (single, index) in zip(
        rows, [(single, index) for single in singles for index in range(2)], strict=True
    ):
        grounding = single["groundings"][index]
        assert row["image"] == single["image"] and row["phrase"] == PHRASES[index]
        assert row["method"] == "localization-heads"
        assert [float(row[key]) for key in ("x0", "y0", "x1", "y1")] == grounding["box"]
        assert [float(row["peak_x"]), float(row["peak_y"])] == grounding["point"]
        assert float(row["score"]) == grounding["score"]


def test_csv_of_one_picture_and_of_every_method(run: Any, words: list[Any], photo: Path) -> None:
    words[1] = photo
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").out)))
    assert list(dict.fromkeys(row["phrase"] for row in rows)) == PHRASES
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv", "--method", "all").out)))
    assert len({row["method"] for row in rows}) > 2


def test_overlays_go_under_the_names_of_the_pictures(
    run: Any, words: list[Any], tmp_path: Path, pictures: Path
) -> None:
    out = tmp_path / "out"
    result = run(*words, "--out", out)
    assert "3 pictures in" in result.err
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert files == [
        f"{key}/0{n}-{slug}.png"
        for key in ("a", "b", "sub/c")
        for n, slug in ((1, "the-red-square"), (2, "a-dog"))
    ]
    # one phrase: one picture each, no folder
    run(*words[:2], PHRASES[0], *words[4:], "--out", tmp_path / "one")
    assert sorted(p.name for p in (tmp_path / "one").rglob("*.png")) == ["a.png", "b.png", "c.png"]
    assert run(*words, "--out", tmp_path / "none", "--no-overlays").code == 0
    assert not (tmp_path / "none").exists()


def test_one_file_for_several_pictures(refused: Any, words: list[Any], tmp_path: Path) -> None:
    refused([*words, "--out", tmp_path / "x.png"], "several pictures: give --out a folder")


@pytest.mark.parametrize("form", ["json", "jsonl", "table", "csv"])
def test_pictures_that_cannot_be_read_are_skipped_and_said(
    run: Any, words: list[Any], pictures: Path, form: str
) -> None:
    (pictures / "aa.png").write_bytes(b"")
    (pictures / "sub/torn.png").write_bytes((pictures / "a.png").read_bytes()[:60])
    result = run(*words, "--format", form)
    assert result.code == 1
    assert "aa.png is empty (0 bytes)" in result.err
    assert "torn.png is truncated or damaged" in result.err
    assert "2 of 5 images skipped" in result.err
    if form == "json":
        record = json.loads(result.out)
        assert len(record["images"]) == 3
        assert [Path(each["image"]).name for each in record["skipped"]] == ["aa.png", "torn.png"]
    if form == "jsonl":
        lines = [json.loads(line) for line in result.out.splitlines()]
        assert sum("skipped" in line for line in lines) == 2 and len(lines) == 5


def test_no_picture_that_can_be_read(refused: Any, words: list[Any], pictures: Path) -> None:
    for path in pictures.rglob("*.png"):
        path.write_bytes(b"")
    refused([*words, "--quiet"], "None of 3 images could be used", "0 bytes")


def test_a_missing_picture_ends_the_command_before_the_model(
    refused: Any, words: list[Any], pictures: Path
) -> None:
    at = words.index("--model")
    refused(
        [*words[:2], pictures / "none.png", *words[2:at], "--model", "nobody/nothing"], "none.png"
    )


def test_every_method_and_its_own_boxes_on_several(run: Any, words: list[Any]) -> None:
    result = run(*words, "--method", "all", "--json", "--quiet")
    images = json.loads(result.out)["images"]
    assert len(images) == 3 and all(len(each["groundings"]) == 8 for each in images)
    result = run(*words, "--say", "--json", "--quiet")
    assert [len(each["comparisons"]) for each in json.loads(result.out)["images"]] == [2, 2, 2]


def test_a_warning_of_many_pictures_is_said_once(
    run: Any, words: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all pictures without a count, of some with it."""
    from dataclasses import replace

    from vlmscope.methods import Grounder

    real = Grounder.__call__

    def warned(self: Grounder, image: Any) -> Any:
        texts = ("true of all.", *(("true of one.",) if image.size[0] == 50 else ()))
        return [replace(each, warnings=texts) for each in real(self, image)]

    monkeypatch.setattr(Grounder, "__call__", warned)
    lines = run(*words, "--quiet").err.splitlines()
    assert lines == ["warning: true of all.", "warning: true of one. (1 of 3 pictures)"]


def test_forms_that_do_not_exist_or_contradict(refused: Any, words: list[Any]) -> None:
    refused([*words, "--format", "xml"], "xml", "jsonl")
    refused([*words, "--format", "csv", "--json"], "--json and --format csv")


def test_help_and_options_know_the_new_words(run: Any) -> None:
    text = run("ground", "--help").out
    for word in ("--phrase", "-p", "--format", "jsonl", "--no-overlays"):
        assert word in text


def test_coco_of_all_pictures(run: Any, words: list[Any], singles: list[dict[str, Any]]) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    document = json.loads(run(*words, "--format", "coco").out)
    assert [each["name"] for each in document["categories"]] == PHRASES
    assert [each["file_name"] for each in document["images"]] == [s["image"] for s in singles]
    index = coco.COCO()
    index.dataset = document
    index.createIndex()
    for number, single in enumerate(singles, start=1):
        for category, grounding in enumerate(single["groundings"], start=1):
            entries = index.loadAnns(index.getAnnIds(imgIds=[number], catIds=[category]))
            assert len(entries) == len(grounding["instances"])
            for entry, instance in zip(entries, grounding["instances"], strict=True):
                x, y, width, height = entry["bbox"]
                assert [x, y, x + width, y + height] == pytest.approx(instance["box"])
                assert int(index.annToMask(entry).sum()) == instance["mask_area"]


def test_yolo_goes_into_a_folder(
    run: Any, refused: Any, words: list[Any], tmp_path: Path, singles: list[dict[str, Any]]
) -> None:
    refused([*words, "--format", "yolo"], "--out DIR")
    out = tmp_path / "yolo"
    result = run(*words, "--format", "yolo", "--out", out, "--no-overlays")
    assert (result.code, result.out) == (0, "")
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*"))
    assert files == ["data.yaml", "labels/a.txt", "labels/b.txt", "labels/sub/c.txt"]
    for key, single in zip(("a", "b", "sub/c"), singles, strict=True):
        lines = (out / f"labels/{key}.txt").read_text().splitlines()
        counts = [len(each["instances"]) for each in single["groundings"]]
        assert [line.split()[0] for line in lines] == ["0"] * counts[0] + ["1"] * counts[1]


def test_forms_that_a_result_does_not_have(refused: Any, words: list[Any]) -> None:
    refused([*words, "--method", "all", "--format", "coco"], "--method all has no form coco")
    refused([*words, "--say", "--format", "csv"], "--say has no form csv", "jsonl")
