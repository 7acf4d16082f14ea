"""ScreenSpot's three layouts, how their boxes are read, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ref_sets import change_json, picture_bytes, unpublished, write_parquet
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError

PIXELS = [(2.0, 3.0, 12.0, 9.0), (30.0, 20.0, 58.0, 38.0), (40.0, 5.0, 55.0, 15.0)]
"""Boxes as corners in a picture of 60 x 40; as sizes they would leave it."""


def row(number: int, box: Sequence[float], **more: Any) -> dict[str, Any]:
    return {
        "img_filename": f"{number // 2}.png",
        "bbox": list(box),
        "instruction": f"close window {number}",
        "data_type": "icon",
        "data_source": "macos",
        **more,
    }


def as_list(root: Path, name: str, rows: Sequence[dict[str, Any]], folder: str = "images") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    for each in rows:
        picture = root / folder / each["img_filename"]
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(picture_bytes())
    return path


def sizes_of(box: Sequence[float]) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def shares_of(box: Sequence[float]) -> list[float]:
    return [side / (60, 40)[place % 2] for place, side in enumerate(box)]


def as_parquet(root: Path, boxes: Sequence[Sequence[float]], split: str = "test") -> Path:
    rows = []
    for number, box in enumerate(boxes):
        plain = row(number, box)
        plain["file_name"] = plain.pop("img_filename")
        rows.append({**plain, "image": {"bytes": picture_bytes(), "path": None}})
    write_parquet(root / "data" / f"{split}-00000-of-00001.parquet", rows, group=2)
    return root


def boxes_of(root: Path, **more: Any) -> list[tuple[float, ...]]:
    data = open_dataset("screenspot", root, **more)
    samples = [data.load(image_id) for image_id in data.image_ids]
    return [referent.target.box for sample in samples for referent in sample.referents]


@pytest.mark.parametrize("folder", ["images", "screenspotv2_image", "screenspot_imgs"])
def test_lists_by_platform_have_boxes_as_sizes(tmp_path: Path, folder: str) -> None:
    rows = [row(number, sizes_of(box)) for number, box in enumerate(PIXELS)]
    as_list(tmp_path, "screenspot_web.json", rows, folder)
    data = open_dataset("screenspot", tmp_path, split="web")
    assert boxes_of(tmp_path, split="web") == PIXELS
    assert list(data.image_ids) == ["0.png", "1.png"] and data.skipped == ()
    referent = data.load("0.png").referents[1]
    assert referent.label == "close window 1" and referent.target.mask is None
    assert referent.tags == {"data_type": "icon", "data_source": "macos", "platform": "web"}
    assert data.protocol["boxes"].startswith("xywh in pixels, as its publishers state")
    assert data.protocol["counts"] == {"images": 2, "objects": 3, "sentences": 3}


def test_pro_has_corners_and_states_the_sizes(tmp_path: Path) -> None:
    more = {"img_size": [60, 40], "ui_type": "text", "platform": "linux", "group": "Dev"}
    rows = [
        row(number, box, id=f"vscode_{number}", application="vscode", **more)
        for number, box in enumerate(PIXELS)
    ]
    for each in rows:
        del each["data_type"], each["data_source"]
        each["img_filename"] = f"vscode_linux/{each['img_filename']}"
    as_list(tmp_path, "annotations/vscode_linux.json", rows)
    as_list(tmp_path, "annotations/word_macos.json", [{**rows[0], "id": "word_0"}])
    assert boxes_of(tmp_path, split="vscode_linux") == PIXELS
    data = open_dataset("screenspot", tmp_path)
    assert data.protocol["counts"]["sentences"] == 4
    referent = data.load("vscode_linux/0.png").referents[0]
    assert referent.id == "vscode_0"
    tags = {"data_type": "text", "platform": "linux", "application": "vscode", "group": "Dev"}
    assert referent.tags == tags


def test_a_stated_size_that_is_not_the_pictures_is_refused(tmp_path: Path) -> None:
    rows = [row(number, box, img_size=[60, 50]) for number, box in enumerate(PIXELS)]
    as_list(tmp_path, "annotations/a.json", rows)
    data = open_dataset("screenspot", tmp_path)
    with pytest.raises(BadSampleError, match="is 40x60 .* the listing says 50x60"):
        data.load("0.png")


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize(
    ("form", "write"),
    [
        ("xyxy in pixels", list),
        ("xywh in pixels", sizes_of),
        ("xyxy in shares of the image", shares_of),
        ("xywh in shares of the image", lambda box: shares_of(sizes_of(box))),
    ],
)
def test_copies_in_parquet_are_read_by_what_fits(
    tmp_path: Path, form: str, write: Any, split: str
) -> None:
    root = as_parquet(tmp_path, [write(box) for box in PIXELS], split)
    found = [side for box in boxes_of(root) for side in box]
    assert found == pytest.approx([side for box in PIXELS for side in box])
    data = open_dataset("screenspot", root)
    assert data.protocol["boxes"].startswith(f"{form}, the only reading that fits its images")
    assert list(data.image_ids) == ["0.png", "1.png"]


def test_a_copy_that_fits_both_ways_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="fit both ways, so they tell nothing"):
        open_dataset("screenspot", as_parquet(tmp_path, [(2.0, 3.0, 12.0, 9.0)]))


def test_parquet_of_two_splits_asks_for_one(tmp_path: Path) -> None:
    as_parquet(tmp_path, PIXELS)
    as_parquet(tmp_path, PIXELS[1:], "train")
    with pytest.raises(
        BadSampleError, match="of the splits test and train. Name one: --split test"
    ):
        open_dataset("screenspot", tmp_path)
    assert boxes_of(tmp_path, split="train") == PIXELS[1:]
    assert boxes_of(tmp_path / "data" / "test-00000-of-00001.parquet") == PIXELS


def test_lists_whose_boxes_are_corners_are_another_version(tmp_path: Path) -> None:
    as_list(tmp_path, "screenspot_web.json", [row(n, box) for n, box in enumerate(PIXELS)])
    with pytest.raises(BadSampleError, match="As xyxy in pixels they do: another version"):
        open_dataset("screenspot", tmp_path, split="web")


def test_other_columns_can_be_named(tmp_path: Path) -> None:
    rows = [
        {"question": f"press {n}", "bbox": box, "image": {"bytes": picture_bytes()}}
        for n, box in enumerate(PIXELS)
    ]
    write_parquet(tmp_path / "test.parquet", rows)
    with pytest.raises(BadSampleError, match="has no column 'instruction'. It has: question"):
        open_dataset("screenspot", tmp_path)
    data = open_dataset("screenspot", tmp_path, columns={"instruction": "question"})
    assert [data.load(i).referents[0].label for i in data.image_ids] == [
        "press 0",
        "press 1",
        "press 2",
    ]


def test_two_versions_in_one_folder_are_refused(tmp_path: Path) -> None:
    rows = [row(0, (2, 3, 5, 5))]
    as_list(tmp_path, "screenspot_web.json", rows)
    as_list(tmp_path, "screenspot_web_v2.json", rows)
    with pytest.raises(
        BadSampleError, match="files of ScreenSpot and of ScreenSpot-v2: 'screenspot_"
    ):
        open_dataset("screenspot", tmp_path, split="web")


def test_a_platform_that_is_missing_is_named(tmp_path: Path) -> None:
    make_tiny("screenspot", tmp_path / "set", 2)
    (tmp_path / "set" / "screenspot_mobile_v2.json").unlink()
    root = unpublished(tmp_path / "set")
    with pytest.raises(BadSampleError, match="each of desktop, mobile, web; .* lacks mobile"):
        open_dataset("screenspot", root)
    whole = open_dataset("screenspot", root, partial=True)
    names = ("desktop", "web")
    parts = [open_dataset("screenspot", root, split=name) for name in names]
    assert list(whole.image_ids) == [i for part in parts for i in part.image_ids]
    assert (
        open_dataset("screenspot", root / "screenspot_web_v2.json").image_ids == parts[1].image_ids
    )
    with pytest.raises(
        BadSampleError, match="split 'phone'. There are: 'screenspot_desktop_v2.json'"
    ):
        open_dataset("screenspot", root, split="phone")


def test_a_rendered_set_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    make_tiny("screenspot", tmp_path / "set", 2)
    change_json(tmp_path / "set" / "screenspot_web_v2.json", lambda rows: rows[:-1])
    with pytest.raises(BadSampleError, match="it is cut short"):
        open_dataset("screenspot", tmp_path / "set", split="web")
    assert "partial" in open_dataset("screenspot", tmp_path / "set", partial=True).protocol


def test_pictures_that_are_missing_or_broken(tmp_path: Path) -> None:
    make_tiny("screenspot", tmp_path / "set", 3)
    root = unpublished(tmp_path / "set")
    pictures = root / "screenspotv2_image"
    (pictures / "web_0001.png").unlink()
    with pytest.raises(BadSampleError, match="1 of the 3 images of screenspot web are missing"):
        open_dataset("screenspot", root, split="web")
    (pictures / "web_0002.png").write_bytes(b"no picture")
    data = open_dataset("screenspot", root, split="web", partial=True)
    assert list(data.image_ids) == ["web_0000.png"]
    assert {each.image_id for each in data.skipped} == {"web_0001.png", "web_0002.png"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": None}, "A box is four numbers, got None"),
        ({"bbox": [1, 2, 3]}, "A box is four numbers"),
        ({"instruction": 7}, "It has no instruction, got 7"),
        ({"instruction": " "}, "It is empty after stripping"),
        ({"img_filename": ""}, "It names no img_filename"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    rows = [row(number, sizes_of(box)) for number, box in enumerate(PIXELS)]
    as_list(tmp_path, "screenspot_web.json", rows)
    change_json(tmp_path / "screenspot_web.json", lambda rows: rows[1].update(change))
    data = open_dataset("screenspot", tmp_path, split="web")
    [skipped] = data.skipped
    assert reason in skipped.reason and "web/1" in skipped.image_id
    assert data.protocol["counts"]["sentences"] == 2


def test_a_box_outside_its_image_is_left_out_where_most_fit(tmp_path: Path) -> None:
    rows = [row(number, sizes_of(PIXELS[number % 3])) for number in range(150)]
    rows[7]["bbox"] = [55, 10, 30, 10]
    as_list(tmp_path, "screenspot_web.json", rows)
    data = open_dataset("screenspot", tmp_path, split="web")
    [skipped] = data.skipped
    assert skipped.image_id == "row screenspot_web/7"
    assert "[55.0, 10.0, 30.0, 10.0] does not lie in its image, 60 x 40" in skipped.reason


@pytest.mark.parametrize("text", ["{}", "[1]", "[", '{"a": NaN}'])
def test_what_is_no_list_of_rows_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "screenspot_web.json").write_text(text)
    with pytest.raises(BadSampleError, match="screenspot_web.json"):
        open_dataset("screenspot", tmp_path, split="web")


def test_an_empty_folder_and_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"neither screenspot_\*.json nor annotations"):
        open_dataset("screenspot", tmp_path)
    with pytest.raises(BadOptionError, match="takes no words"):
        open_dataset("screenspot", tmp_path, words="words.json")
