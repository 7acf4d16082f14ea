"""The published counts: a set of exactly that size is whole, one of one less or one more is not.

The sets are as large as the real ones and hold one picture, so that the numbers themselves are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ref_sets import picture_bytes, write_parquet
from vlmscope.data.coco_masks import lengths_text
from vlmscope.data.datasets import open_dataset
from vlmscope.data.plain_pickle import plain_pickle
from vlmscope.errors import BadSampleError

HEIGHT, WIDTH = 40, 60
BOX = [30.0, 20.0, 20.0, 15.0]  # x, y, width, height; as corners it would be another


def check(name: str, split: str, make: Callable[[int], Path], count: int, unit: str) -> None:
    """A set of count, of one less, and of one more."""
    whole(name, split, make(count))
    less = make(count - 1)
    with pytest.raises(BadSampleError, match=f"{count - 1:,} {unit}, not {count:,}.* is cut short"):
        open_dataset(name, less, split=split)
    part = open_dataset(name, less, split=split, partial=True)
    assert part.protocol["partial"] == f"{count - 1:,} of {count:,} {unit}"
    with pytest.raises(
        BadSampleError, match=f"{count + 1:,} {unit}, not {count:,}.* more than the"
    ):
        open_dataset(name, make(count + 1), split=split, partial=True)


def whole(name: str, split: str, root: Path) -> Any:
    data = open_dataset(name, root, split=split)
    assert "partial" not in data.protocol and data.skipped == ()
    return data


def refs(root: Path, maker: str, split: str, count: int) -> Path:
    rows = [
        {
            "ref_id": number,
            "ann_id": 1,
            "image_id": 1,
            "split": split,
            "sentences": [{"sent": f"thing {number}", "sent_id": number}],
        }
        for number in range(count)
    ]
    (root / "train2014").mkdir(exist_ok=True, parents=True)
    (root / "train2014" / "a.jpg").write_bytes(picture_bytes(HEIGHT, WIDTH))
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}],
        "annotations": [{"id": 1, "image_id": 1, "bbox": BOX, "category_id": 1}],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (root / "instances.json").write_text(json.dumps(content))
    (root / f"refs({maker}).p").write_bytes(plain_pickle(rows))
    return root


@pytest.mark.parametrize(
    ("name", "maker", "split", "count"),
    [
        ("refcoco", "unc", "val", 3_811),
        ("refcoco", "unc", "testA", 1_975),
        ("refcoco", "unc", "testB", 1_810),
        ("refcocog", "umd", "val", 2_573),
        ("refcocog", "umd", "test", 5_023),
    ],
)
def test_refs(tmp_path: Path, name: str, maker: str, split: str, count: int) -> None:
    check(name, split, lambda size: refs(tmp_path, maker, split, size), count, "refs")


def test_refs_of_training(tmp_path: Path) -> None:
    data = whole("refcoco", "train", refs(tmp_path, "unc", "train", 42_404))
    assert data.protocol["counts"]["objects"] == 42_404


def merged(root: Path, count: int) -> Path:
    """lmms-lab's val: two rows are of one object now and then, as UNC and Google chose the same."""
    x, y, width, height = BOX
    rows = [
        {
            "question_id": str(number // 2),
            "image": {"bytes": picture_bytes(HEIGHT, WIDTH) if number == 0 else b"", "path": None},
            "answer": [f"thing {number}"],
            "segmentation": [x, y, x + width, y, x + width, y + height],
            "bbox": BOX,
            "file_name": f"COCO_train2014_000000000001_{number}.jpg",
        }
        for number in range(count)
    ]
    write_parquet(root / "data" / "val-00000-of-00001.parquet", rows, group=1000)
    return root


@pytest.mark.parametrize(
    ("name", "count", "real"), [("refcoco", 8_811, "3,811"), ("refcocog", 7_573, "2,573")]
)
def test_a_merged_val_is_refused_by_its_real_name(
    tmp_path: Path, name: str, count: int, real: str
) -> None:
    root = merged(tmp_path, count)
    whole(name, "lmms-val", root)
    for size in (count, count // 2 + 1):  # a part of it is no part of the real one either
        root = root if size == count else merged(tmp_path, size)
        with pytest.raises(BadSampleError) as caught:
            open_dataset(name, root, split="val", partial=True)
        assert f"{name} val holds {size:,} refs, not {real}" in str(caught.value)
        assert "5,000 of Google's refs together" in str(caught.value)
        assert "--split lmms-val" in str(caught.value)
    with pytest.raises(BadSampleError, match=f"{count // 2 + 1:,} refs, not {count:,}"):
        open_dataset(name, root, split="lmms-val")


def refcoco_m(root: Path, sentences: int) -> Path:
    """1,190 images and 2,080 masks, whatever the number of sentences."""
    x, y, width, height = (int(side) for side in BOX)
    runs = [x * HEIGHT + y]
    for _ in range(width - 1):
        runs += [height, HEIGHT - height]
    runs += [height]
    mask = {
        "counts": lengths_text([*runs, HEIGHT * WIDTH - sum(runs)]),
        "size": [HEIGHT, WIDTH],
    }
    samples: list[dict[str, Any]] = [
        {"id": number, "category": "thing", "sentences": [], "bbox": BOX, "mask": mask}
        for number in range(2_080)
    ]
    for number in range(sentences):
        samples[number % 2_080]["sentences"].append(f"thing {number}")
    rows = [
        {
            "image_id": number,
            "image": {"bytes": b"", "path": None},
            "samples": samples[number::1_190],
        }
        for number in range(1_190)
    ]
    write_parquet(root / "data" / "validation-00000-of-00001.parquet", rows, group=1000)
    return root


def test_refcoco_m(tmp_path: Path) -> None:
    check("refcoco-m", "val", lambda size: refcoco_m(tmp_path, size), 5_598, "sentences")


def ref_l4(root: Path, count: int) -> Path:
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "images" / "a.png").write_bytes(picture_bytes(HEIGHT, WIDTH))
    rows = [
        {
            "id": number,
            "caption": f"thing {number}",
            "bbox": BOX,
            "ori_category_id": "o365_1",
            "file_name": "a.png",
            "height": HEIGHT,
            "width": WIDTH,
        }
        for number in range(count)
    ]
    write_parquet(root / "ref-l4-val.parquet", rows[:9_000], group=10_000)
    write_parquet(root / "ref-l4-test.parquet", rows[9_000:], group=10_000)
    return root


def test_ref_l4(tmp_path: Path) -> None:
    data = whole("ref-l4", "all", ref_l4(tmp_path, 45_341))
    assert data.protocol["counts"]["sentences"] == 45_341
    data = whole("ref-l4", "val", tmp_path)  # no count is known of it
    assert data.protocol["counts"]["sentences"] == 9_000


def reasonseg(root: Path, split: str, count: int) -> Path:
    folder = root / f"{split} {count}" / split
    folder.mkdir(parents=True)
    shapes = [{"label": "target", "points": [[5, 5], [20, 5], [20, 20]]}]
    text = json.dumps({"text": ["the thing"], "is_sentence": False, "shapes": shapes})
    for number in range(count):
        (folder / f"{number}.json").write_text(text)
        (folder / f"{number}.jpg").touch()
    return folder.parent


@pytest.mark.parametrize(("split", "count"), [("train", 239), ("val", 200), ("test", 779)])
def test_reasonseg(tmp_path: Path, split: str, count: int) -> None:
    made: dict[int, Path] = {}

    def make(size: int) -> Path:
        made[size] = made[size] if size in made else reasonseg(tmp_path, split, size)
        return made[size]

    check("reasonseg", split, make, count, "images")
