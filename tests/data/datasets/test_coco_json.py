"""COCO JSON of one's own: categories, captions, crowds, and files that are not in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ref_sets import change_json, picture_bytes
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import BadOptionError, BadSampleError


def annotation(number: int, category: int, box: list[float], **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": category, "bbox": box, **more}


def block(x0: int, y0: int, x1: int, y1: int) -> list[list[int]]:
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [
        annotation(1, 7, [0, 0, 10, 10], segmentation=block(0, 0, 10, 10)),
        annotation(2, 7, [20, 20, 10, 10], segmentation=block(20, 20, 30, 30)),
        annotation(3, 8, [40, 5, 10, 10], caption="the red mug"),
        annotation(
            4,
            7,
            [0, 30, 20, 5],
            iscrowd=1,
            segmentation={"counts": [2400 - 40, 40], "size": [40, 60]},
        ),
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}],
        "annotations": rows,
        "categories": [{"id": 7, "name": "cup"}, {"id": 8, "name": "mug"}],
    }
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(picture_bytes())
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    return tmp_path


def test_a_category_means_all_its_objects_and_a_caption_its_own(root: Path) -> None:
    data = open_dataset("coco-json", root)
    referents = {referent.label: referent for referent in data.load("1").referents}
    cups, mug = referents["cup"], referents["the red mug"]
    assert [each.box for each in cups.instances] == [(0, 0, 10, 10), (20, 20, 30, 30)]
    assert cups.target.box == (0, 0, 30, 30) and cups.target.mask.sum() == 200
    assert mug.target.box == (40, 5, 50, 15) and mug.target.mask is None
    assert mug.tags == {"category": "mug"}
    assert data.words.labels == ("cup", "mug")


def test_crowds_count_for_nothing(root: Path) -> None:
    data = open_dataset("coco-json", root)
    referents = {referent.label: referent for referent in data.load("1").referents}
    assert referents["cup"].ignore.sum() == 40
    assert referents["the red mug"].ignore is None
    assert data.protocol["crowds"].startswith("1 annotations of crowds")


def test_an_object_without_a_mask_leaves_its_category_without(root: Path) -> None:
    change_json(root / "annotations.json", lambda c: c["annotations"][0].update(segmentation=[]))
    [cups] = [r for r in open_dataset("coco-json", root).load("1").referents if r.label == "cup"]
    assert cups.target.mask is None and len(cups.instances) == 2


@pytest.mark.parametrize("name", ["instances.json", "_annotations.coco.json"])
def test_other_names_of_the_file(root: Path, name: str) -> None:
    (root / "annotations.json").rename(root / name)
    assert open_dataset("coco-json", root).protocol["source"] == name
    assert open_dataset("coco-json", root / name).image_ids == ("1",)


def test_a_split_is_a_folder_or_a_file(root: Path) -> None:
    (root / "annotations.json").rename(root / "instances_val.json")
    assert open_dataset("coco-json", root, split="val").image_ids == ("1",)
    with pytest.raises(BadSampleError, match="no COCO JSON in .*: none of annotations.json"):
        open_dataset("coco-json", root, split="test")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": None, "segmentation": None}, "neither bbox nor segmentation"),
        ({"bbox": [1, 1, -5, 5]}, "has no area"),
        ({"segmentation": [[1, 2]]}, "Polygons of a mask"),
        ({"image_id": 9}, "is of image 9, which the file does not hold"),
        ({"image_id": [1]}, r"is of image [1], which the file does not hold"),
        ({"category_id": [7]}, "category_id is [7], not the number of a category"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_left_out(
    root: Path, change: dict[str, Any], reason: str
) -> None:
    change_json(root / "annotations.json", lambda c: c["annotations"][1].update(change))
    [skipped] = open_dataset("coco-json", root).skipped
    assert skipped.image_id == "annotation 2" and reason in skipped.reason


@pytest.mark.parametrize(
    ("key", "row", "reason"),
    [
        ("images", {"id": 1, "file_name": "b.png"}, "two rows with the image id 1"),
        ("annotations", {"id": 2}, "two rows with the annotation id 2"),
        ("categories", {"id": 7, "name": "x"}, "two rows with the category id 7"),
        ("images", {"id": "x", "file_name": "b.png"}, "has the id 'x', not a whole number"),
        ("images", {"id": 5, "file_name": "../b.png"}, "leads out of the folder"),
        ("images", {"id": 5, "file_name": 3}, "has the file_name 3"),
        ("images", 3, "has no list 'images' of objects"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused(
    root: Path, key: str, row: Any, reason: str
) -> None:
    change_json(root / "annotations.json", lambda c: c[key].append(row))
    with pytest.raises(BadSampleError, match=reason):
        open_dataset("coco-json", root)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": [], "images": []}'])
def test_what_is_no_coco_json_is_refused(root: Path, text: str) -> None:
    (root / "annotations.json").write_text(text)
    with pytest.raises(BadSampleError, match=r"annotations\.json"):
        open_dataset("coco-json", root)


def test_missing_images_are_refused_and_counted(root: Path) -> None:
    def change(content: Any) -> None:
        content["images"].append({"id": 2, "file_name": "b.png"})
        content["annotations"].append({**annotation(5, 8, [1, 1, 5, 5]), "image_id": 2})

    change_json(root / "annotations.json", change)
    with pytest.raises(BadSampleError, match="1 of the 2 images of coco-json are missing"):
        open_dataset("coco-json", root)
    data = open_dataset("coco-json", root, partial=True)
    assert data.protocol["partial"] == "2 of 3 sentences"


def test_an_image_without_annotations_is_not_asked_about(root: Path) -> None:
    change_json(
        root / "annotations.json", lambda c: c["images"].append({"id": 2, "file_name": "gone.png"})
    )
    assert open_dataset("coco-json", root).image_ids == ("1",)


def test_a_folder_is_needed() -> None:
    with pytest.raises(BadOptionError, match="annotations.json and images/"):
        open_dataset("coco-json")
