"""Images in two splits are told by COCO's number, and never used for discovery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vlmscope.reproduce.localization_heads.drawing import DrawnSamples, drawn_images
from vlmscope.reproduce.localization_heads.overlap import image_overlaps, unscored_images
from vlmscope.reproduce.localization_heads.splits import PaperSplit


def split(name: str, *image_ids: str, **protocol: Any) -> PaperSplit:
    data: Any = SimpleNamespace(protocol=protocol, image_ids=image_ids)
    return PaperSplit(*name.split(), data)


TRAIN = split("refcoco train", "1", "2", "581857", "4")


def test_numbers_are_the_same_in_every_form() -> None:
    scored = [
        split("refcoco val", "7", "8"),
        split("refcocog val", "COCO_train2014_000000581857_16.jpg", "9"),
        split("refcoco+ val", "COCO_train2014_000000000002.jpg", "000000000001.jpg"),
        split("reasonseg val", "2"),
        split("refcocog test", "somewhere", "2"),
    ]
    rows = image_overlaps(TRAIN, scored)
    assert [row.shared for row in rows] == [0, 1, 2, None, None]
    assert [row.images for row in rows] == [2, 2, 2, 1, 2]
    assert unscored_images(TRAIN, scored) == ["4"]


def test_rendered_sets_number_their_own_images() -> None:
    train = split("refcoco train", "1", "2", rendered="x")
    same, other = split("refcoco val", "2", rendered="x"), split("refcoco+ val", "2", rendered="x")
    assert [row.shared for row in image_overlaps(train, [same, other])] == [1, 0]
    assert unscored_images(train, [same, other]) == ["1"]


def test_draws_are_the_same_whatever_the_order_and_differ_by_seed() -> None:
    ids = [str(number) for number in range(50)]
    drawn = drawn_images(ids, 10, 0)
    assert drawn == drawn_images(ids[::-1], 10, 0)
    assert len(set(drawn)) == 10
    assert drawn != drawn_images(ids, 10, 1)
    assert drawn == drawn_images(ids, 20, 0)[:10]
    assert sorted(drawn_images(ids, 99, 0)) == sorted(ids)


def test_as_many_sentences_of_each_image_as_are_needed() -> None:
    data: Any = SimpleNamespace(sentences=lambda ids: 3 * len(ids))
    ids = [str(number) for number in range(4)]
    few, many = DrawnSamples.of(data, ids, 3, 0), DrawnSamples.of(data, ids, 7, 0)
    assert (len(few.images), few.per_image, len(few)) == (3, 1, 3)
    assert (len(many.images), many.per_image, len(many)) == (4, 2, 8)
    assert len(DrawnSamples.of(data, ids, 100, 0)) == 12  # no more than there are
