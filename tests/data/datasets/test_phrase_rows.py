"""A JSON-lines file of one's own as a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ref_sets import picture_bytes
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import BadOptionError, BadSampleError


def write(root: Path, *rows: dict[str, Any]) -> Path:
    for name in ("a.png", "b.png"):
        (root / name).write_bytes(picture_bytes())
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[5:15, 20:50] = 255
    Image.fromarray(mask).save(root / "mask.png")
    (root / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


BOX = {"image": "a.png", "text": "the mug", "box": [1, 2, 30, 20]}
MASK = {"image": "b.png", "text": "the cup", "mask": "mask.png"}


def test_rows_of_an_image_come_together(tmp_path: Path) -> None:
    root = write(tmp_path, BOX, MASK, {**BOX, "text": "the other"})
    data = open_dataset("jsonl", root)
    assert [Path(image_id).name for image_id in data.image_ids] == ["a.png", "b.png"]
    first, second = (data.load(image_id).referents for image_id in data.image_ids)
    assert [(r.label, r.target.box, r.id) for r in first] == [
        ("the mug", (1, 2, 30, 20), "line 1"),
        ("the other", (1, 2, 30, 20), "line 3"),
    ]
    assert second[0].target.box == (20, 5, 50, 15) and second[0].target.mask.sum() == 300
    assert open_dataset("jsonl", root / "samples.jsonl").digest == data.digest


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"image": "a.png", "text": "the mug"}, "neither box nor mask"),
        ({"image": "a.png", "text": "  ", "box": [1, 2, 3, 4]}, "must be a text"),
        ({"image": "a.png", "text": "x", "box": [9, 2, 3, 4]}, "needs x0 < x1"),
        ({"image": "a.png", "text": "x", "mask": "none.png"}, "There is no mask file"),
        (MASK, "It repeats line 1"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out(
    tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    [skipped] = open_dataset("jsonl", write(tmp_path, MASK, row)).skipped
    assert skipped.image_id == "line 2" and reason in skipped.reason


def test_missing_images_are_refused_and_counted(tmp_path: Path) -> None:
    root = write(tmp_path, BOX, MASK)
    (root / "a.png").unlink()
    with pytest.raises(
        BadSampleError, match="1 of the 2 images of jsonl are missing. The first: .*a"
    ):
        open_dataset("jsonl", root)
    assert open_dataset("jsonl", root, partial=True).protocol["partial"] == "1 of 2 sentences"


def test_a_box_outside_and_a_mask_that_is_none_are_told_when_loaded(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    root = write(tmp_path, {**BOX, "box": [61, 2, 70, 20]}, {**MASK, "mask": "text.png"})
    data = open_dataset("jsonl", root)
    for image_id, reason in zip(
        data.image_ids, ("outside the image", "is not an image"), strict=True
    ):
        with pytest.raises(BadSampleError, match=reason):
            data.load(image_id)


def test_splits_and_words_are_refused(tmp_path: Path) -> None:
    for name in ("words", "split"):
        with pytest.raises(BadOptionError, match=f"takes no {name}"):
            open_dataset("jsonl", write(tmp_path, BOX), **{name: "val"})
