"""The COCO-panoptic reader: what it takes from a folder, and every way a folder can be spoiled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from panoptic_folder import CATEGORIES, PanopticFolder, small_folder, write_ids
from vlmscope.data.datasets import IGNORE, WordList, open_dataset
from vlmscope.errors import BadImageError, BadOptionError, BadSampleError, UnknownNameError

WORDS = WordList.plain(["zebra", "cat", "bus"], "three of five")


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    return small_folder(tmp_path / "data")


def opened(folder: PanopticFolder, words: WordList | None = WORDS) -> Any:
    return open_dataset("coco-panoptic", folder.write(), words)


def test_images_come_in_the_order_of_the_annotations(folder: PanopticFolder) -> None:
    data = opened(folder)
    assert tuple(data.image_ids) == ("7", "9", "12", "13", "21")
    assert data.skipped == ()
    sample = data.load("13")
    assert sample.image.size == (40, 64)


def test_segments_of_a_class_are_one_target_and_one_label(folder: PanopticFolder) -> None:
    """Ids beyond one byte are read from all three channels."""
    sample = opened(folder).load("7")
    expected = np.zeros((48, 64), dtype=bool)
    expected[0:24, 0:20] = True
    expected[24:48, 40:60] = True
    assert sample.labels is not None
    assert np.array_equal(sample.labels == 1, expected)  # cat is the second class of the list
    assert (sample.labels[~expected] == IGNORE).all()
    [referent] = sample.referents
    assert referent.label == "cat"
    assert np.array_equal(referent.target.mask, expected)
    assert referent.target.box == (0.0, 0.0, 60.0, 48.0)


def test_categories_outside_the_word_list_are_ignored(folder: PanopticFolder) -> None:
    sample = opened(folder).load("9")
    assert sample.labels is not None
    assert (sample.labels[:16] == IGNORE).all()  # sky
    assert (sample.labels[20:44, 8:40] == 2).all()
    assert [referent.label for referent in sample.referents] == ["bus"]


def test_small_objects_are_no_targets_but_count_in_segmentation(folder: PanopticFolder) -> None:
    sample = opened(folder).load("12")
    assert [referent.label for referent in sample.referents] == ["zebra"]
    assert sample.labels is not None
    assert (sample.labels[0:5, 0:5] == 2).all()


@pytest.mark.parametrize(("width", "kept"), [(1, False), (2, True), (80, True), (81, False)])
def test_the_bounds_of_a_target_are_inclusive(tmp_path: Path, width: int, kept: bool) -> None:
    folder = PanopticFolder(tmp_path / "data")
    folder.add(1, [(1, 1, (0, 0, width, 10))], size=(10, 100))
    assert bool(opened(folder).load("1").referents) == kept


def test_without_a_word_list_the_categories_are_the_classes(folder: PanopticFolder) -> None:
    data = opened(folder, None)
    assert data.words.labels == tuple(CATEGORIES.values())
    assert data.words.classes["sky-other-merged"] == ("sky",)
    assert data.words.classes["wall-brick"] == ("wall-brick",)
    assert {referent.label for referent in data.load("9").referents} == {"bus", "sky-other-merged"}


def test_a_word_list_may_be_a_file(folder: PanopticFolder, tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text(json.dumps({"bus": ["bus", "coach"], "zebra": [3]}))
    data = open_dataset("coco-panoptic", folder.write(), path)
    assert data.words.classes == {"bus": ("bus", "coach"), "zebra": (3,)}
    assert [r.names for r in data.load("9").referents] == [("bus", "coach")]


def test_a_class_that_is_no_category_is_answered_with_the_nearest(folder: PanopticFolder) -> None:
    with pytest.raises(UnknownNameError, match="'zebras'.*Did you mean 'zebra'"):
        opened(folder, WordList.plain(["zebras"], "wrong"))


# images that cannot be used


def _cut_png(folder: PanopticFolder) -> None:
    data = folder.png(9).read_bytes()
    folder.png(9).write_bytes(data[: len(data) // 2])


def _text_png(folder: PanopticFolder) -> None:
    folder.png(9).write_text("no picture")


def _palette_png(folder: PanopticFolder) -> None:
    Image.new("P", (64, 48)).save(folder.png(9))


def _small_png(folder: PanopticFolder) -> None:
    write_ids(folder.png(9), np.zeros((24, 32), dtype=np.int64))


def _blank_png(folder: PanopticFolder) -> None:
    write_ids(folder.png(9), np.full((48, 64), 5))


def _foreign_png(folder: PanopticFolder) -> None:
    ids = np.zeros((48, 64), dtype=np.int64)
    ids[0, :3], ids[1, 0], ids[2, 0] = 77, 5, 66_051
    write_ids(folder.png(9), ids)


def _small_image(folder: PanopticFolder) -> None:
    Image.new("RGB", (32, 24)).save(folder.image(9))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_cut_png, "is damaged"),
        (_text_png, "is damaged"),
        (_palette_png, "must be 8-bit RGB, its mode is P"),
        (_small_png, "is 24x32 .*, its image is 48x64"),
        (_blank_png, r"lists segments that the panoptic picture does not hold: \[66051\]"),
        (_foreign_png, "3 pixels .* does not list, the first to 77"),
        (_small_image, "is 24x32 .*, the listing says 48x64"),
    ],
)
def test_a_spoiled_image_is_refused_with_the_reason(
    folder: PanopticFolder, spoil: Callable[[PanopticFolder], None], reason: str
) -> None:
    spoil(folder)
    data = opened(folder)
    with pytest.raises(BadSampleError, match=reason):
        data.load("9")
    data.load("7")  # the others are as good as before


def test_what_is_not_there_is_known_when_the_folder_is_opened(folder: PanopticFolder) -> None:
    folder.image(9).unlink()
    folder.png(21).unlink()
    folder.png(12).unlink()
    folder.png(12).mkdir()
    data = opened(folder)
    assert data.image_ids == ("7", "13")
    reasons = dict(data.skipped)
    assert reasons.keys() == {"9", "12", "21"}
    assert f"no image file {folder.image(9)}" in reasons["9"]
    assert f"no panoptic picture {folder.png(21)}" in reasons["21"]
    assert "no panoptic picture" in reasons["12"]


def test_a_photograph_that_goes_later_is_a_bad_image(folder: PanopticFolder) -> None:
    data = opened(folder)
    folder.image(9).unlink()
    folder.png(12).unlink()
    with pytest.raises(BadImageError, match="There is no image file"):
        data.load("9")
    with pytest.raises(BadSampleError, match="There is no panoptic picture"):
        data.load("12")


def test_a_folder_without_a_usable_image_is_refused(folder: PanopticFolder) -> None:
    for number in (7, 9, 12, 13, 21):
        folder.image(number).unlink()
    with pytest.raises(BadSampleError, match=r"None of the 5 images .* The first: 7: There is no"):
        opened(folder)


# annotations that cannot be used


def _orphan(content: dict[str, Any]) -> None:
    content["images"] = [item for item in content["images"] if item["id"] != 9]


def _unknown_category(content: dict[str, Any]) -> None:
    content["annotations"][1]["segments_info"][0]["category_id"] = 4711


def _twice(content: dict[str, Any]) -> None:
    content["annotations"][1]["segments_info"] *= 2


def _no_segments(content: dict[str, Any]) -> None:
    del content["annotations"][1]["segments_info"]


def _no_height(content: dict[str, Any]) -> None:
    content["images"][1]["height"] = "tall"


def _part_of_a_segment(content: dict[str, Any]) -> None:
    content["annotations"][1]["segments_info"][0]["id"] = 5.5


def _segment_beyond_colour(content: dict[str, Any]) -> None:
    content["annotations"][1]["segments_info"][0]["id"] = 10**30


def _size_beyond_numbers(content: dict[str, Any]) -> None:
    content["images"][1]["height"] = "9" * 5000


def _no_name(content: dict[str, Any]) -> None:
    content["images"][1]["file_name"] = None


def _segments_that_are_none(content: dict[str, Any]) -> None:
    content["annotations"][1]["segments_info"] = [3]


def _same_files(content: dict[str, Any]) -> None:
    content["images"][1]["file_name"] = content["images"][0]["file_name"]
    content["annotations"][1]["file_name"] = content["annotations"][0]["file_name"]


def _two_that_differ(content: dict[str, Any]) -> None:
    content["annotations"].append({**content["annotations"][1], "file_name": "b.png"})


def _two_images(content: dict[str, Any]) -> None:
    content["annotations"].pop(1)
    content["images"].append({**content["images"][1], "height": 9})


def _outside(content: dict[str, Any]) -> None:
    content["annotations"][1]["file_name"] = "../../secret.png"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_orphan, "an image that the listing does not hold"),
        (_unknown_category, "unknown categories: [4711]"),
        (_twice, "a segment twice"),
        (_no_segments, "segments_info"),
        (_no_height, "tall"),
        (_outside, "leads out of"),
        (_part_of_a_segment, "5.5 is no whole number"),
        (_segment_beyond_colour, "not from 1 to 16,777,215"),
        (_size_beyond_numbers, "holds a wrong one: '9999999999"),
        (_no_name, "None is no file name"),
        (_segments_that_are_none, "wrong one"),
        (_same_files, "has the files of image 7"),
        (_two_that_differ, "two annotations of this image_id, which say different things"),
        (_two_images, "two images of this id, which say different things"),
    ],
)
def test_a_spoiled_annotation_is_left_out_with_the_reason(
    folder: PanopticFolder, spoil: Callable[[dict[str, Any]], None], reason: str
) -> None:
    spoil(folder.content)
    data = opened(folder)
    assert "9" not in data.image_ids
    assert len(data.image_ids) == 4
    [skipped] = data.skipped
    assert skipped.image_id == "9"
    assert reason in skipped.reason


# listings that cannot be used


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Cannot read the panoptic listing"),
        ("[]", "has no list 'categories'"),
        ('{"categories": [{"id": 1, "name": "a"}], "images": []}', "has no list 'images'"),
        ('{"categories": [{"id": "1", "name": "a"}]}', "has id '1'; it must be int"),
        ('{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}', "two categories"),
        ('{"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}', "same name"),
    ],
)
def test_a_spoiled_listing_is_refused(folder: PanopticFolder, text: str, reason: str) -> None:
    root = folder.write()
    (root / "panoptic.json").write_text(text)
    with pytest.raises(BadSampleError, match=reason):
        open_dataset("coco-panoptic", root)


def test_what_is_listed_twice_counts_once(folder: PanopticFolder) -> None:
    for key in ("annotations", "images"):
        folder.content[key].append(folder.content[key][0])
    data = opened(folder)
    assert data.image_ids == ("7", "9", "12", "13", "21")
    assert [image_id for image_id, _ in data.skipped] == ["7", "7"]
    assert all("counts once" in reason for _, reason in data.skipped)


@pytest.mark.parametrize(
    "item", [3, None, {}, {"image_id": None}, {"image_id": [7]}, {"image_id": "x" * 99_999}]
)
def test_a_row_without_an_id_does_not_spoil_the_listing(folder: PanopticFolder, item: Any) -> None:
    folder.content["annotations"].append(item)
    data = opened(folder)
    assert len(data.image_ids) == 5
    [skipped] = data.skipped
    assert skipped.image_id == "annotation 5"
    assert "image_id must be a whole number or a text" in skipped.reason
    assert len(skipped.reason) < 200


def test_a_folder_without_a_listing_or_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="Cannot read .*panoptic.json: No such file"):
        open_dataset("coco-panoptic", tmp_path)
    with pytest.raises(BadSampleError, match="There is no folder"):
        open_dataset("coco-panoptic", tmp_path / "nowhere")
    with pytest.raises(BadOptionError, match="--root PATH.*panoptic.json, panoptic/ and images/"):
        open_dataset("coco-panoptic")


def test_the_digest_is_of_the_truth(folder: PanopticFolder) -> None:
    before = opened(folder).digest
    assert opened(folder).digest == before
    folder.content["annotations"][0]["segments_info"][0]["category_id"] = 6
    assert opened(folder).digest != before
