"""PASCAL Context without a toolkit: from the JSON of run lengths, and from .mat files as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.data.datasets import IGNORE, open_dataset
from vlmscope.data.datasets.label_maps import context_convert as module
from vlmscope.data.datasets.label_maps.class_words import vocabulary
from vlmscope.data.datasets.label_maps.context_convert import convert_context
from vlmscope.data.datasets.label_maps.context_numbers import LABEL_NUMBERS, class_numbers
from vlmscope.errors import BadSampleError

SIZE = (30, 40)
SKY, PERSON, WOOD, ACCORDION = 360, 284, 458, 1


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    return {"size": list(mask.shape), "counts": lengths_text(lengths_of_mask(mask))}


def blocks(rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """Labels with masks that overlap, in the order of the file."""
    found = []
    for label in (SKY, PERSON, ACCORDION, WOOD, PERSON):
        mask = np.zeros(SIZE, dtype=bool)
        y, x = rng.integers(0, 20, 2)
        mask[y : y + 10, x : x + 15] = True
        found.append((label, mask))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder of VOC 2010 with the JSON, and what the maps of all 459 labels would be."""
    rng = np.random.default_rng(0)
    images, annotations, whole = [], [], {}
    for index in range(6):
        name = f"2008_{index:06d}"
        phase = "val" if index % 2 else "train"
        number = 2008_000000 + index
        images.append(
            {"file_name": f"{name}.jpg", "image_id": number, "phase": phase}
            | {"height": SIZE[0], "width": SIZE[1]}
        )
        whole[name] = np.zeros(SIZE, dtype=np.uint16)
        for label, mask in blocks(rng):
            annotations.append(
                {"image_id": number, "category_id": label, "segmentation": run_lengths(mask)}
            )
            whole[name][mask] = label
    # annotations of an image need not stand together, and lists of other things stand between
    annotations = annotations[::2] + annotations[1::2]
    for name, row in zip(whole, images, strict=True):
        whole[name][:] = 0
        for each in annotations:
            if each["image_id"] == row["image_id"]:
                lengths = each["segmentation"]
                whole[name][decoded(lengths)] = each["category_id"]
    content = {
        "info": {"version": 1, "more": [1, {"a": "]}"}]},
        "annos_boundary": [{"boundary": {"counts": "x\\]"}}],
        "annos_segmentation": annotations,
        "images": images,
        "categories": [{"category_id": 2, "name": "aeroplane"}],
    }
    root = tmp_path / "VOC2010"
    (root / "JPEGImages").mkdir(parents=True)
    for row in images:
        Image.new("RGB", (SIZE[1], SIZE[0])).save(root / "JPEGImages" / row["file_name"])
    (root / "trainval_merged.json").write_text(json.dumps(content))
    return root, whole


def decoded(lengths: dict[str, Any]) -> np.ndarray:
    from pycocotools import mask as coco

    return coco.decode({"size": lengths["size"], "counts": lengths["counts"].encode()}).astype(bool)


def by_digitize(labels: np.ndarray) -> np.ndarray:
    """The field's own way: places among the sorted numbers; only for labels that are evaluated."""
    numbers = np.array([0, *LABEL_NUMBERS])
    return np.digitize(labels.ravel(), numbers, right=True).reshape(labels.shape)


def test_maps_are_those_that_the_later_annotation_wins(
    folder: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, whole = folder
    monkeypatch.setattr(module, "_OPEN", 2)  # maps are packed and unpacked on the way
    done = convert_context(root)
    assert done.images == {"train": 3, "val": 3} and done.skipped == ()
    for name, labels in whole.items():
        found = np.asarray(Image.open(root / "SegmentationClassContext" / f"{name}.png"))
        expected = by_digitize(np.where(labels == ACCORDION, 0, labels))
        assert np.array_equal(found, expected)
        assert set(np.unique(found)) <= {0, 37, 47, 59} and len(np.unique(found)) > 2
    names = (root / "ImageSets/SegmentationContext/val.txt").read_text().split()
    assert names == ["2008_000001", "2008_000003", "2008_000005"]


def test_what_is_converted_is_what_is_read(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, whole = folder
    convert_context(root / "trainval_merged.json")
    for name, first in (("context60", 0), ("context59", 1)):
        data = open_dataset(name, root.parent, partial=True)
        assert data.protocol["partial"] == "3 of 5,105 images"
        for image_id in data.image_ids:
            labels = class_numbers(whole[image_id], "").astype(int) - first
            assert np.array_equal(data.load(image_id).labels, np.where(labels < 0, IGNORE, labels))


def test_mat_files_are_read_without_a_conversion(
    folder: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    root, whole = folder
    (root / "trainval").mkdir()
    for name, labels in whole.items():
        savemat(root / "trainval" / f"{name}.mat", {"LabelMap": labels})
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("\n".join(name for name in whole if int(name[-1]) % 2))
    mats = {name: open_dataset(name, root, partial=True) for name in ("context60", "context59")}
    samples = {n: [d.load(each).labels for each in d.image_ids] for n, d in mats.items()}
    assert ".mat files of 459 labels" in mats["context60"].protocol["maps"]
    convert_context(root)
    for name, own in samples.items():
        data = open_dataset(name, root, partial=True)
        assert "PNG" in data.protocol["maps"] and len(own) == 3
        for image_id, labels in zip(data.image_ids, own, strict=True):
            assert np.array_equal(data.load(image_id).labels, labels)


def test_both_lists_are_in_alphabetical_order() -> None:
    labels = vocabulary("context59", "plain").labels
    assert list(labels) == sorted(labels) and len(labels) == len(LABEL_NUMBERS) == 59
    assert list(LABEL_NUMBERS.values()) == list(range(1, 60))
    assert list(LABEL_NUMBERS) == sorted(LABEL_NUMBERS) and max(LABEL_NUMBERS) <= 459


def changed(root: Path, change: Any) -> None:
    path = root / "trainval_merged.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_cannot_be_used_is_listed(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = folder

    def spoil(content: dict[str, Any]) -> None:
        rows = content["annos_segmentation"]
        rows[0]["category_id"] = 460
        rows[1]["segmentation"]["size"] = [9, 9]
        rows[2]["segmentation"] = None
        rows[3]["image_id"] = [1]  # of no image
        content["images"][0]["file_name"] = "../a.jpg"
        del content["images"][1]["phase"]

    changed(root, spoil)
    done = convert_context(root)
    assert done.images == {"train": 2, "val": 2}
    assert sum(each.image_id.startswith("image ") for each in done.skipped) == 2
    reasons = " ".join(each.reason for each in done.skipped)
    assert "lacks a field or holds a wrong one: 'phase'" in reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "Cannot read the annotations .*trainval_merged.json"),
        ("[]", "where '{' belongs"),
        ('{"images": [{"file_name": "a.jpg"}', "breaks off before its end"),
        ('{"images": []}', "lists no image with file_name"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / "trainval_merged.json").write_text(text)
    with pytest.raises(BadSampleError, match=reason):
        convert_context(tmp_path)


def test_bad_mat_files(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = folder
    place = root / "trainval"
    place.mkdir()
    savemat(place / "a.mat", {"LabelMap": np.zeros((3, 4), dtype=np.uint16)})
    savemat(place / "b.mat", {"Other": np.zeros(SIZE)})
    savemat(place / "c.mat", {"LabelMap": np.full(SIZE, 0.5)})
    savemat(place / "d.mat", {"LabelMap": np.full(SIZE, 460, dtype=np.uint16)})
    (place / "e.mat").write_bytes(b"none")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\nb\nc\nd\ne")
    for name in "abcde":
        Image.new("RGB", (SIZE[1], SIZE[0])).save(root / "JPEGImages" / f"{name}.jpg")
    data = open_dataset("context60", root, partial=True)
    reasons = {
        "a": "is 3x4 .height x width., its image is 30x40",
        "b": "has no LabelMap",
        "c": "is float64",
        "d": "labels from 460 to 460; PASCAL Context has 459",
        "e": "Cannot read the label map",
    }
    for name, reason in reasons.items():
        with pytest.raises(BadSampleError, match=reason):
            data.load(name)


def test_a_map_of_459_labels_as_a_picture_says_what_to_do(
    folder: tuple[Path, dict[str, np.ndarray]],
) -> None:
    root, whole = folder
    convert_context(root)
    name = "2008_000001"
    Image.fromarray(whole[name]).save(root / "SegmentationClassContext" / f"{name}.png")
    with pytest.raises(BadSampleError, match=r"Maps of all 459 labels have to be converted first"):
        open_dataset("context60", root, partial=True).load(name)


def test_without_any_maps_both_ways_are_named(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\n")
    with pytest.raises(BadSampleError, match=r"vlmscope data convert context .*\.mat files"):
        open_dataset("context59", tmp_path)
