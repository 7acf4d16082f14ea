"""A folder of results: whole files, records last, nothing of another run taken for ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentations import blobs, segmentation
from vlmscope.errors import OutputError
from vlmscope.export import ResultFolder, keys_of

HEADER = {"model": "m", "classes": {"dog": ["dog"], "cat": ["puss", "cat"]}, "options": {"side": 0}}
SOURCE = {"image": "sub/a.jpg", "bytes": 7, "modified": 1}
FOUND = segmentation(blobs(2), ("dog", "cat"))


def folder(path: Path, *formats: str, overlays: bool = True) -> ResultFolder:
    made = ResultFolder(path, formats or ("png",), overlays)
    made.open(HEADER)
    return made


def test_everything_is_written_and_read_back(tmp_path: Path) -> None:
    results = folder(tmp_path, "png", "yolo", "coco")
    record = results.write("sub/a", SOURCE, FOUND, ["EXIF orientation 6 applied"])
    results.close(FOUND.names, [record])
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")) == [
        "annotations.json",
        "data.yaml",
        "labels/sub/a.txt",
        "masks/sub/a.png",
        "overlays/sub/a.png",
        "records/sub/a.json",
        "segmentation.json",
    ]
    assert results.finished("sub/a", SOURCE) == json.loads(json.dumps(record))
    assert record["mask"] == {"bits": 8, "background": 255}
    assert record["notes"] == ["EXIF orientation 6 applied"]
    with Image.open(tmp_path / record["files"]["mask"]) as picture:
        np.testing.assert_array_equal(np.asarray(picture), FOUND.labels)
    document = json.loads((tmp_path / "annotations.json").read_text())
    assert document["images"][0]["file_name"] == "sub/a.jpg"
    assert len(document["annotations"]) == 2
    assert (tmp_path / "data.yaml").read_text().endswith('  0: "dog"\n  1: "cat"\n')


def test_overlays_are_as_opaque_as_said_and_never_mixed(tmp_path: Path) -> None:
    strong = ResultFolder(tmp_path, ("png",), opacity=0.9)
    strong.open(HEADER)
    strong.write("a", SOURCE, FOUND)
    with Image.open(tmp_path / "overlays/a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(FOUND.overlay(alpha=0.9)))
    with pytest.raises(OutputError, match="another opacity"):
        ResultFolder(tmp_path, ("png",)).open(HEADER)
    strong.open(HEADER)


def test_overlays_can_be_left_out(tmp_path: Path) -> None:
    folder(tmp_path, overlays=False).write("a", SOURCE, FOUND)
    assert not (tmp_path / "overlays").exists()


@pytest.mark.parametrize("lost", ["records/a.json", "masks/a.png", "overlays/a.png"])
def test_an_image_counts_as_done_only_with_all_its_files(tmp_path: Path, lost: str) -> None:
    results = folder(tmp_path)
    results.write("a", SOURCE, FOUND)
    assert results.finished("a", SOURCE) is not None
    (tmp_path / lost).unlink()
    assert results.finished("a", SOURCE) is None


def test_a_changed_image_is_not_done(tmp_path: Path) -> None:
    results = folder(tmp_path)
    results.write("a", SOURCE, FOUND)
    assert results.finished("a", {**SOURCE, "bytes": 8}) is None
    assert results.finished("b", SOURCE) is None


def test_another_format_is_computed_again(tmp_path: Path) -> None:
    folder(tmp_path, "png").write("a", SOURCE, FOUND)
    assert folder(tmp_path, "png").finished("a", SOURCE) is not None
    for formats in (("png", "coco"), ("yolo",)):
        assert folder(tmp_path, *formats).finished("a", SOURCE) is None


def test_a_torn_record_is_not_done(tmp_path: Path) -> None:
    results = folder(tmp_path)
    results.write("a", SOURCE, FOUND)
    path = tmp_path / "records" / "a.json"
    for text in (path.read_text()[:-20], "[]", "\ufeff"):
        path.write_text(text)
        assert results.finished("a", SOURCE) is None


def test_the_record_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = folder(tmp_path, "png", "yolo")

    def broken(*args: object, **options: object) -> Image.Image:
        raise KeyboardInterrupt

    monkeypatch.setattr("vlmscope.results.segmentation.overlay_labels", broken)
    with pytest.raises(KeyboardInterrupt):
        results.write("a", SOURCE, FOUND)
    assert not (tmp_path / "records").exists()
    assert not list(tmp_path.rglob(".*"))  # no half-written file stays


def test_another_run_is_not_mixed_in(tmp_path: Path) -> None:
    folder(tmp_path).write("a", SOURCE, FOUND)
    other = {**HEADER, "model": "n", "options": {"side": 64}}
    results = ResultFolder(tmp_path, ("png",))
    with pytest.raises(OutputError, match="a run with another model, options"):
        results.open(other)
    assert results.finished("a", SOURCE) is not None
    results.open(other, overwrite=True)
    assert results.finished("a", SOURCE) is None
    results.open(other)
    # the classes' ORDER is what indices mean
    turned = {**other, "classes": {"cat": ["puss", "cat"], "dog": ["dog"]}}
    with pytest.raises(OutputError, match="another classes"):
        results.open(turned)


def test_nothing_of_the_run_before_stays_when_it_is_overwritten(tmp_path: Path) -> None:
    results = folder(tmp_path, "png", "yolo", "coco")
    records = [results.write(key, {**SOURCE, "image": key}, FOUND) for key in ("a", "sub/b")]
    results.close(FOUND.names, records)
    (tmp_path / "masks" / "mine.txt").write_text("of the user")
    other = {**HEADER, "classes": {"bus": ["bus"], "car": ["car"]}}
    ResultFolder(tmp_path, ("png",)).open(other, overwrite=True)
    # old masks and an old annotations.json beside new classes would say what nobody computed
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*"))
    assert left == ["masks/mine.txt", "segmentation.json"]


def test_overwriting_removes_nothing_outside_of_the_results(tmp_path: Path) -> None:
    mine = tmp_path / "mine.png"
    mine.write_text("of the user")
    results = folder(tmp_path / "out")
    results.write("a", SOURCE, FOUND)
    record = tmp_path / "out" / "records" / "a.json"
    forged = {"mask": "../mine.png", "overlay": str(mine), "yolo": "masks/../../mine.png", "x": ""}
    record.write_text(json.dumps({"files": forged}))
    results.open(HEADER, overwrite=True)
    assert mine.exists()
    assert not record.exists()


@pytest.mark.parametrize(("kind", "name"), [("coco", "annotations.json"), ("yolo", "data.yaml")])
def test_the_users_own_files_are_not_written_over(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_text("of the user")
    with pytest.raises(OutputError, match=f"{name} is there already"):
        folder(tmp_path, kind)
    assert (tmp_path / name).read_text() == "of the user"
    folder(tmp_path, "png")  # which writes no such file
    assert (tmp_path / name).read_text() == "of the user"


def test_every_place_that_is_written_is_named_for_a_trial(tmp_path: Path) -> None:
    results = folder(tmp_path, "png", "yolo", "coco")
    record = results.write("trial", SOURCE, FOUND)
    results.close(FOUND.names, [record])
    assert set(results.places) == {path for path in tmp_path.rglob("*") if path.is_file()}


def test_a_file_of_that_name_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "segmentation.json").write_text("my notes")
    with pytest.raises(OutputError, match="is no record of a run"):
        folder(tmp_path)
    assert (tmp_path / "segmentation.json").read_text() == "my notes"


@pytest.mark.parametrize(
    ("images", "keys"),
    [
        (["a.jpg", "b.c.png"], ["a", "b.c"]),
        (["a.jpg", "a.png", "s/a.png"], ["a.jpg", "a.png", "s/a"]),
        (["a.jpg", "a.png", "a.jpg.gif"], ["a.jpg", "a.png", "a.jpg.gif"]),
    ],
)
def test_keys_are_unique(images: list[str], keys: list[str]) -> None:
    assert list(keys_of([Path(image) for image in images]).values()) == keys
