"""What of a Grounding is in a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vlmscope.data.coco_masks import coco_mask
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.labels import FIELDS
from vlmscope.labels.rows import RowMaker, picture_row, presence_of
from vlmscope.results import Grounding

COMMON = {"method": "gem", "model": "m", "revision": "r", "heads": None, "version": "1"}


@pytest.fixture
def opened() -> OpenedImage:
    return open_image(np.full((4, 6, 3), 7, np.uint8))


def _grounding(phrase: str = "x", **changes: Any) -> Grounding:
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    whole = Grounding(
        phrase=phrase,
        method="gem",
        model="m",
        image=np.zeros((4, 6, 3), np.uint8),
        heatmap=np.zeros((4, 6), np.float32),
        score_map=np.zeros((2, 3), np.float32),
        mask=mask,
        box=(2.0, 1.0, 5.0, 3.0),
        point=(3.5, 1.5),
        score=0.25,
        seen=(0, 0, 6, 4),
        details={"presence": 0.5},
        warnings=("mind this",),
    )
    return replace(whole, **changes)


def test_a_row_has_every_column(opened: OpenedImage) -> None:
    (row,) = RowMaker(COMMON, masks=True).labelled(
        "a.jpg", picture_row(opened), [_grounding()], 3.0
    )
    assert list(row) == [field.name for field in FIELDS]
    assert row["box"] == [2.0, 1.0, 5.0, 3.0] and row["point"] == [3.5, 1.5]
    assert (row["score"], row["presence"], row["instance"]) == (0.25, 0.5, 0)
    assert (row["width"], row["height"], row["seconds"]) == (6, 4, 3.0)
    assert row["warnings"] == ["mind this"]
    assert (row["id"], row["phrase"], row["error"]) == ("a.jpg", "x", None)
    draw = coco_mask(row["mask"])
    assert draw is not None
    np.testing.assert_array_equal(draw((4, 6)), _grounding().mask)


def test_masks_only_where_they_are_asked_for(opened: OpenedImage) -> None:
    (row,) = RowMaker(COMMON).labelled("a", picture_row(opened), [_grounding()], 1.0)
    assert row["mask"] is None and row["box"] is not None


def test_time_is_shared_out_over_the_rows(opened: OpenedImage) -> None:
    rows = RowMaker(COMMON).labelled(
        "a", picture_row(opened), [_grounding("x"), _grounding("y")], 3.0
    )
    assert [row["seconds"] for row in rows] == [1.5, 1.5]


def test_a_phrase_that_nothing_lights_up_for_is_a_row(opened: OpenedImage) -> None:
    nothing = _grounding(box=None, point=None, score=float("nan"))
    (row,) = RowMaker(COMMON).labelled("a", picture_row(opened), [nothing], 1.0)
    assert (row["box"], row["point"], row["score"], row["instance"]) == (None, None, None, None)
    assert row["presence"] == 0.5


@pytest.mark.parametrize("instances", [False, True])
@pytest.mark.parametrize(("least", "kept"), [(0.25, True), (0.26, False)])
def test_below_the_least_score_there_is_no_box(
    opened: OpenedImage, least: float, kept: bool, instances: bool
) -> None:
    maker = RowMaker(COMMON, instances, masks=True, least_score=least)
    (row,) = maker.labelled("a", picture_row(opened), [_grounding()], 1.0)
    assert (row["box"] is not None) == (row["mask"] is not None) == kept
    assert row["score"] == 0.25
    assert ("below the least score, 0.26" in str(row["warnings"])) == (not kept)


def test_a_failed_image_is_one_row(opened: OpenedImage) -> None:
    maker = RowMaker(COMMON)
    (row,) = maker.failed("a", "BadImageError", "It is\n  bad.", picture_row(opened), 2.0)
    assert (row["error"], row["message"], row["seconds"]) == ("BadImageError", "It is bad.", 2.0)
    assert (row["width"], row["phrase"], row["warnings"], row["model"]) == (6, None, [], "m")
    (unread,) = maker.failed("a", "BadImageError", "x", None, 0.0)
    assert unread["width"] is None and unread["picture_hash"] is None


def test_presence_is_what_eval_measures() -> None:
    assert presence_of(_grounding()) == 0.5
    assert presence_of(_grounding(details={})) is None
    assert presence_of(_grounding(details={}, method="relative-attention")) is None
