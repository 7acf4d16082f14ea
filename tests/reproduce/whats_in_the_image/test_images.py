"""Which images are described, and where things are in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from panoptic_folder import PanopticFolder, small_folder
from vlmscope.analysis.knockout import ObjectWords
from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.reproduce.whats_in_the_image.images import (
    Described,
    object_words,
    open_images,
    set_name,
    spread,
)
from vlmscope.reproduce.whats_in_the_image.paper import COCO

WORDS = ObjectWords.read("coco")


class Listed:
    """As much of a data set as its ids and words."""

    id = "coco-panoptic"

    def __init__(self, count: int = 0, labels: Any = ()) -> None:
        self.image_ids = [str(number) for number in range(count)]
        self.words = type("Words", (), {"labels": tuple(labels)})()
        self.protocol: dict[str, Any] = {}


def listed(count: int = 0, labels: Any = ()) -> Dataset:
    return Listed(count, labels)  # type: ignore[return-value]


def test_eighty_are_spread_over_the_set() -> None:
    ids = spread(listed(5000))
    assert len(set(ids)) == 80 and ids[:3] == ("0", "62", "125") and ids[-1] == "4937"
    assert spread(listed(5000), 3) == ids[:3]  # a longer trial goes on with the same images
    assert spread(listed(5)) == ("0", "1", "2", "3", "4")
    with pytest.raises(BadOptionError, match="at least 1, got 0"):
        spread(listed(5), 0)


def test_the_list_that_fits() -> None:
    coco = sorted(WORDS.objects)
    assert object_words(listed(labels=["wall", *coco])).digest == WORDS.digest
    shapes = object_words(listed(labels=["circle", "square", "wall"]))
    assert shapes.objects == ObjectWords.read("shapes").objects
    with pytest.raises(BadOptionError, match=r"1 categories .*\(unicorn \.\.\.\).*--objects FILE"):
        object_words(listed(labels=["unicorn"]))
    assert object_words(listed(labels=["unicorn"]), "coco").digest == WORDS.digest


def test_what_counts_as_cocos() -> None:
    coco = sorted(WORDS.objects)
    assert len(coco) == 80
    assert set_name(listed(labels=["wall-brick", *coco]), WORDS) == COCO
    assert set_name(listed(labels=coco[1:]), WORDS) != COCO
    assert set_name(listed(labels=coco), ObjectWords(["cat"])) != COCO
    drawn = listed(labels=coco)
    drawn.protocol = {"rendered": "scenes"}
    assert set_name(drawn, WORDS) == "coco-panoptic, rendered"


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    return small_folder(tmp_path / "coco")


def test_masks_of_a_panoptic_folder(folder: PanopticFolder) -> None:
    data = open_images(folder.write())
    described = Described(data, data.image_ids, "say")
    masks = {
        question.place: described.masks(sample, WORDS)
        for question, sample in described.with_truth()
    }
    assert {place: sorted(each) for place, each in masks.items()} == {
        "image 7": ["cat"],
        "image 9": ["bus"],
        "image 12": ["bus", "zebra"],  # however small
        "image 13": [],  # a wall is no object
        "image 21": ["zebra"],
    }
    both = np.zeros((48, 64), dtype=bool)
    both[0:24, 0:20] = both[24:48, 40:60] = True
    assert np.array_equal(masks["image 7"]["cat"], both)


def test_masks_of_instances(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "images" / "a.png")
    square = [[0, 0, 4, 0, 4, 4, 0, 4]]
    rows = [
        {"id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "segmentation": square},
        {"id": 2, "category_id": 1, "bbox": [10, 0, 4, 4],
         "segmentation": [[10, 0, 14, 0, 14, 4, 10, 4]]},
        {"id": 3, "category_id": 2, "bbox": [0, 0, 9, 9]},
        {"id": 4, "category_id": 2, "bbox": [0, 5, 4, 4], "caption": "the small bus",
         "segmentation": [[0, 5, 4, 5, 4, 9, 0, 9]]},
    ]  # fmt: skip
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 10, "width": 20}],
        "annotations": [{**row, "image_id": 1} for row in rows],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "bus"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    data = open_images(tmp_path)
    described = Described(data, data.image_ids, "say")
    ((question, sample),) = described.with_truth()
    masks = described.masks(sample, WORDS)
    assert question.text == "say" and sorted(masks) == ["bus", "cat"]
    assert masks["cat"].sum() == 32 and masks["cat"][:4, [0, 3, 10, 13]].all()
    assert masks["bus"].sum() == 16  # a box alone is no mask


def test_what_cannot_be_opened_is_left_out(folder: PanopticFolder) -> None:
    root = folder.write()
    folder.image(9).write_bytes(b"no picture")
    data = open_images(root)
    described = Described(data, ["7", "9", "12"], "say")
    assert [question.place for question in described] == ["image 7", "image 12"]
    assert [each.partition(":")[0] for each in described.skipped] == ["image 9"]
    assert len(described) == 3 and len(list(described)) == 2 and len(described.skipped) == 1
    with pytest.raises(BadSampleError, match="None of the 1 images can be used"):
        list(Described(data, ["9"], "say"))


def test_a_folder_that_is_neither(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"no COCO JSON in .*no panoptic\.json either"):
        open_images(tmp_path)
