"""ReasonSeg: how its polygons become masks, and samples that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ref_sets import picture_bytes
from vlmscope.data.datasets import open_dataset
from vlmscope.data.datasets.reasonseg import IGNORED, drawn_labels
from vlmscope.errors import BadSampleError

SQUARE = [[10, 10], [19, 10], [19, 19], [10, 19]]


def sample(root: Path, name: str, shapes: Any, row: Any = ()) -> None:
    (root / "val").mkdir(parents=True, exist_ok=True)
    (root / "val" / f"{name}.jpg").write_bytes(picture_bytes())
    texts = ["the square", "another"]
    content = {"text": texts, "is_sentence": False, "shapes": shapes, **dict(row)}
    (root / "val" / f"{name}.json").write_text(json.dumps(content))


def shape(label: str, points: Any) -> dict[str, Any]:
    return {"label": label, "points": points}


def loaded(root: Path) -> Any:
    data = open_dataset("reasonseg", root, partial=True)
    return data.load(data.image_ids[0]).referents[0]


def test_the_border_is_part_of_the_mask(tmp_path: Path) -> None:
    sample(tmp_path, "a", [shape("target", SQUARE)])
    referent = loaded(tmp_path)
    expected = np.zeros((40, 60), dtype=bool)
    expected[10:20, 10:20] = True
    assert np.array_equal(referent.target.mask, expected)
    assert referent.label == "the square" and referent.ignore is None
    assert referent.tags == {"is_sentence": "no"}


def test_coordinates_lose_what_is_behind_the_point(tmp_path: Path) -> None:
    sample(tmp_path, "a", [shape("target", [[x + 0.9, y + 0.9] for x, y in SQUARE])])
    assert loaded(tmp_path).target.box == (10.0, 10.0, 20.0, 20.0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_largest_is_drawn_first(turned: bool) -> None:
    """What lies on top is the smaller shape, whichever is listed first."""
    small = ("Ignore this", [(x, y) for x, y in SQUARE])
    large = ("target", [(5, 5), (30, 5), (30, 30), (5, 30)])
    labels = drawn_labels([large, small] if turned else [small, large], (40, 60))
    assert (labels[10:20, 10:20] == IGNORED).all()
    assert (labels[5:10, 5:31] == 1).all() and labels[:5].sum() == 0


def test_ignored_pixels_are_no_target_and_flags_are_nothing(tmp_path: Path) -> None:
    inner = [[12, 12], [15, 12], [15, 15], [12, 15]]
    flag = shape("FLAG", [[0, 0], [59, 0], [59, 39], [0, 39]])
    sample(tmp_path, "a", [shape("target", SQUARE), shape("ignore", inner), flag])
    referent = loaded(tmp_path)
    assert referent.target.mask.sum() == 100 - 16
    assert referent.ignore.sum() == 16 and referent.ignore[12:16, 12:16].all()


def test_a_line_and_a_point_have_their_pixels(tmp_path: Path) -> None:
    sample(tmp_path, "a", [shape("target", [[3, 4], [8, 4]]), shape("target", [[20, 20]])])
    assert loaded(tmp_path).target.mask.sum() == 7


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_texts_are_utf_8_or_else_windows_1252(tmp_path: Path, encoding: str) -> None:
    sample(tmp_path, "a", [shape("target", SQUARE)])
    row = json.dumps(
        {"text": ["the café’s sign"], "shapes": [shape("target", SQUARE)]}, ensure_ascii=False
    )
    (tmp_path / "val" / "a.json").write_bytes(row.encode(encoding))
    referent = loaded(tmp_path)
    assert referent.label == "the café’s sign" and referent.tags == {}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": []}, "has no text"),
        ({"text": [7]}, "has no text"),
        ({"shapes": None}, "has no list of shapes"),
        ({"shapes": [{"label": "target"}]}, "is no label with points"),
        ({"shapes": [shape("target", [[1, 2, 3]])]}, "is no label with points"),
        ({"shapes": [shape("target", [["a", 2]])]}, "is no label with points"),
        ({"shapes": [{"points": SQUARE}]}, "is no label with points"),
    ],
)
def test_a_sample_that_cannot_be_read_is_left_out(
    tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    sample(tmp_path, "good", [shape("target", SQUARE)])
    sample(tmp_path, "bad", [], row)
    [skipped] = open_dataset("reasonseg", tmp_path, partial=True).skipped
    assert skipped.image_id == "bad" and reason in skipped.reason


@pytest.mark.parametrize("data", [b"[1]", b"{", b"\xff\x81", b""])
def test_what_is_no_json_object_is_left_out(tmp_path: Path, data: bytes) -> None:
    sample(tmp_path, "good", [shape("target", SQUARE)])
    sample(tmp_path, "bad", [])
    (tmp_path / "val" / "bad.json").write_bytes(data)
    [skipped] = open_dataset("reasonseg", tmp_path, partial=True).skipped
    assert skipped.image_id == "bad" and "bad.json" in skipped.reason


def test_a_folder_is_no_sample(tmp_path: Path) -> None:
    sample(tmp_path, "good", [shape("target", SQUARE)])
    (tmp_path / "val" / "folder.json").mkdir()
    assert open_dataset("reasonseg", tmp_path, partial=True).skipped == ()


def test_a_sample_without_a_target_is_told(tmp_path: Path) -> None:
    sample(tmp_path, "a", [shape("ignore", SQUARE)])
    with pytest.raises(BadSampleError, match="Sentence a: Its mask is empty"):
        loaded(tmp_path)


def test_the_published_counts_are_asserted(tmp_path: Path) -> None:
    sample(tmp_path, "a", [shape("target", SQUARE)])
    (tmp_path / "val").rename(tmp_path / "test")
    with pytest.raises(BadSampleError, match="reasonseg test holds 1 images, not 779"):
        open_dataset("reasonseg", tmp_path, split="test")
    with pytest.raises(BadSampleError, match="no split 'val'. Folders .* that have some: test"):
        open_dataset("reasonseg", tmp_path)


def test_a_json_without_its_photograph_is_missing(tmp_path: Path) -> None:
    for name in "ab":
        sample(tmp_path, name, [shape("target", SQUARE)])
    (tmp_path / "val" / "a.jpg").unlink()
    data = open_dataset("reasonseg", tmp_path, partial=True)
    assert [each.image_id for each in data.skipped] == ["a"]
    assert data.protocol["partial"] == "1 of 200 images"
