"""RefCOCO-M: its Parquet, its counts, and what is wrong with a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ref_sets import picture_bytes, unpublished, write_parquet
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadImageError, BadSampleError

IMAGES = 4
FILE = "data/validation-00000-of-00001.parquet"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_tiny("refcoco-m", tmp_path / "set", IMAGES)
    return tmp_path / "set"


def change(root: Path, edit: Callable[[list[dict[str, Any]]], Any]) -> None:
    rows = pq.read_table(root / FILE).to_pylist()
    changed = edit(rows)
    write_parquet(root / FILE, rows if changed is None else changed)


def refusal(root: Path, **options: Any) -> str:
    with pytest.raises(BadSampleError) as caught:
        open_dataset("refcoco-m", root, **options)
    return str(caught.value)


def test_the_published_counts_are_asserted(root: Path) -> None:
    objects = open_dataset("refcoco-m", root).protocol["counts"]["objects"]
    message = refusal(unpublished(root))
    assert f"holds {IMAGES} images, not 1,190 and {objects} masks, not 2,080 and " in message
    data = open_dataset("refcoco-m", root, partial=True)
    assert data.protocol["partial"].endswith(" of 5,598 sentences")
    assert "47%" in data.protocol["subset"]


def test_images_can_be_loaded_in_any_order(root: Path) -> None:
    data = open_dataset("refcoco-m", root)
    forth = [data.load(i).image.pixels.sum() for i in data.image_ids]
    back = [data.load(i).image.pixels.sum() for i in reversed(data.image_ids)]
    assert forth == back[::-1] and len(set(forth)) == IMAGES


def test_boxes_written_as_corners_are_read_as_corners(root: Path) -> None:
    before = open_dataset("refcoco-m", root)
    expected = [r.target.box for r in before.load("1").referents]

    def corners(rows: list[dict[str, Any]]) -> None:
        for sample in (sample for row in rows for sample in row["samples"]):
            x, y, width, height = sample["bbox"]
            sample["bbox"] = [x, y, x + width, y + height]

    change(root, corners)
    data = open_dataset("refcoco-m", root)
    assert data.protocol["boxes"].startswith("xyxy: mean IoU 1.00 with the annotations of ")
    assert [r.target.box for r in data.load("1").referents] == expected


def test_an_image_with_two_rows_counts_once(root: Path) -> None:
    change(root, lambda rows: [*rows, rows[0]])
    data = open_dataset("refcoco-m", root)
    assert [(each.image_id, each.reason) for each in data.skipped] == [
        ("image 1", "It has two rows; the first counts.")
    ]


def test_a_split_cut_short_is_refused(root: Path) -> None:
    change(root, lambda rows: rows[:-1])
    assert f"holds {IMAGES - 1} images, not {IMAGES} and " in refusal(root)


def test_a_mask_in_another_form_leaves_its_object_out(root: Path) -> None:
    def bend(rows: list[dict[str, Any]]) -> None:
        rows[0]["samples"][0]["bbox"] = [1.0, 2.0]

    change(root, bend)
    refusal(root)
    [skipped] = open_dataset("refcoco-m", root, partial=True).skipped
    assert skipped.image_id.startswith("mask ") and "A box is four numbers" in skipped.reason


def test_run_lengths_that_do_not_fit_are_told_when_drawn(root: Path) -> None:
    def bend(rows: list[dict[str, Any]]) -> None:
        rows[1]["samples"][0]["mask"]["counts"] = "abc"

    change(root, bend)
    data = open_dataset("refcoco-m", root)
    with pytest.raises(BadSampleError, match="The run lengths of a mask"):
        data.load("2")
    assert data.load("3").referents


def test_pictures_that_are_none_are_told_when_opened(root: Path) -> None:
    def bend(rows: list[dict[str, Any]]) -> None:
        rows[0]["image"] = {"bytes": b"", "path": "a.jpg"}
        rows[1]["image"] = {"bytes": b"no picture", "path": "a.jpg"}
        rows[2]["image"] = {"bytes": picture_bytes(60, 50), "path": "a.jpg"}

    change(root, bend)
    data = open_dataset("refcoco-m", root)
    with pytest.raises(BadImageError, match="image 1 has no picture inside"):
        data.load("1")
    with pytest.raises(BadImageError, match="image 2 is not an image"):
        data.load("2")
    with pytest.raises(BadSampleError, match="is of the size"):
        data.load("3")


def test_other_columns_are_named(root: Path) -> None:
    change(root, lambda rows: [{"image": r["image"], "image_id": 1, "refs": []} for r in rows])
    assert "has no column 'samples'. It has: image, image_id, refs" in refusal(root)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    assert "Found: no Parquet file" in refusal(tmp_path)
