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

    monkeypatch.setattr("vlmscope.viz.overlay_labels", broken)
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
