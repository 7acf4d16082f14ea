"""COCO's masks: every form as pycocotools draws it, and every malformed one refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from vlmscope.data.coco_masks import coco_mask, lengths_of_mask, lengths_text
from vlmscope.errors import BadSampleError


def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    drawn = [rng.random(rng.integers(1, 40, 2)) < rng.random() for _ in range(60)]
    blocks = [np.kron(rng.random((4, 5)) < 0.5, np.ones((30, 41), bool)) for _ in range(10)]
    return [*drawn, *blocks, np.zeros((5, 7), bool), np.ones((5, 7), bool)]


def test_run_lengths_are_those_of_pycocotools() -> None:
    for mask in masks():
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        size, lengths = list(mask.shape), lengths_of_mask(mask)
        assert lengths_text(lengths) == theirs["counts"].decode()
        for counts in (theirs["counts"], theirs["counts"].decode(), lengths):
            draw = coco_mask({"counts": counts, "size": size})
            assert draw is not None
            assert np.array_equal(draw((size[0], size[1])), mask)


def test_polygons_are_drawn_as_pycocotools_draws_them() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        polygons = [(rng.random(2 * rng.integers(3, 8)) * 40).tolist() for _ in range(2)]
        theirs = coco.decode(coco.merge(coco.frPyObjects(polygons, 40, 44))).astype(bool)
        draw = coco_mask(polygons)
        assert draw is not None
        assert np.array_equal(draw((40, 44)), theirs)


@pytest.mark.parametrize("empty", [None, [], {}])
def test_an_empty_segmentation_is_no_mask(empty: Any) -> None:
    assert coco_mask(empty) is None


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2, 3, 4]], "Polygons of a mask are lists of six or more numbers"),
        ([[1, 2, 3, 4, 5, 6, 7]], "Polygons of a mask"),
        ([[1, 2, 3, 4, 5, "6"]], "Polygons of a mask"),
        ([[1, 2, 3, 4, 5, float("nan")]], "Polygons of a mask"),
        ([1, 2, 3, 4, 5, 6], "Polygons of a mask"),
        ({"counts": [1]}, "an object with counts and size"),
        ("abc", "a list of polygons or an object"),
        (7, "a list of polygons or an object"),
    ],
)
def test_other_forms_are_refused_before_anything_is_drawn(segmentation: Any, reason: str) -> None:
    with pytest.raises(BadSampleError, match=reason):
        coco_mask(segmentation)


@pytest.mark.parametrize(
    ("counts", "size", "reason"),
    [
        ([3, 4], [5, 7], "cover 7 pixels, its image has 35"),
        ([3, -4, 36], [5, 7], "whole numbers from 0"),
        ([3.0, 32.0], [5, 7], "whole numbers from 0"),
        ("abc\n", [5, 7], "hold '.n', which COCO's text has not"),
        ("é", [5, 7], "which COCO's text has not"),
        ("P", [5, 7], "break off in the middle of a number"),
        ([35], [7, 5], r"of the size \[7, 5\] \(height, width\), its image of \[5, 7\]"),
        (7, [5, 7], "whole numbers from 0"),
        ("0" * 3, [5, 7], "cover 0 pixels"),
    ],
)
def test_run_lengths_that_do_not_fit_are_refused_when_drawn(
    counts: Any, size: list[int], reason: str
) -> None:
    draw = coco_mask({"counts": counts, "size": size})
    assert draw is not None
    with pytest.raises(BadSampleError, match=reason):
        draw((5, 7))
