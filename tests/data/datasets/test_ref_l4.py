"""Ref-L4: Parquet with images in a folder; boxes are corner and size."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ref_sets import ref_l4, write_parquet
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import BadSampleError

BOXES = [[1.0, 2.0, 30.0, 20.0], [40.0, 5.0, 20.0, 30.0], [0.0, 0.0, 60.0, 40.0]]


def test_rows_are_sentences_of_their_image(tmp_path: Path) -> None:
    data = open_dataset("ref-l4", ref_l4(tmp_path, BOXES))
    assert tuple(data.image_ids) == ("coco/0.png", "coco/1.png")
    one, two = data.load("coco/0.png").referents
    assert one.target.box == (1.0, 2.0, 31.0, 22.0) and two.target.box == (40.0, 5.0, 60.0, 35.0)
    assert one.tags == {"category": "o365_0"} and one.id == "0"
    assert one.label == "the long description of thing 0"
    assert data.protocol["boxes"] == "xywh as its card states; as xyxy, 1 of 3 would not fit"


def test_all_is_val_and_test_and_its_count_is_asserted(tmp_path: Path) -> None:
    root = ref_l4(tmp_path, BOXES)
    with pytest.raises(BadSampleError, match="ref-l4 all holds 4 sentences, not 45,341"):
        open_dataset("ref-l4", root, split="all")
    data = open_dataset("ref-l4", root, split="all", partial=True)
    assert data.protocol["partial"] == "4 of 45,341 sentences"
    assert open_dataset("ref-l4", root, split="test").protocol["counts"]["sentences"] == 1


def test_boxes_written_as_corners_are_refused(tmp_path: Path) -> None:
    root = ref_l4(tmp_path, [[31.0, 22.0, 59.0, 39.0]])
    with pytest.raises(BadSampleError, match="do not lie in their images as xywh"):
        open_dataset("ref-l4", root)


def test_images_still_packed_are_missing(tmp_path: Path) -> None:
    root = ref_l4(tmp_path, BOXES)
    (root / "images").rename(tmp_path / "packed")
    with pytest.raises(BadSampleError, match=r"2 of the 2 images of ref-l4 val are missing"):
        open_dataset("ref-l4", root)


def test_an_image_whose_every_row_is_faulty_is_not_asked_about(tmp_path: Path) -> None:
    root = ref_l4(tmp_path, BOXES)
    rows = pq.read_table(root / "ref-l4-val.parquet").to_pylist()
    rows[-1]["bbox"] = None
    write_parquet(root / "ref-l4-val.parquet", rows)
    data = open_dataset("ref-l4", root)
    assert list(data.image_ids) == ["coco/0.png"]
    assert [(each.image_id, each.reason) for each in data.skipped] == [
        ("row 2", "A box is four numbers, got None.")
    ]
