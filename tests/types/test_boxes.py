"""The arithmetic of boxes, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.types import BACKGROUND, MAX_CLASSES, box_iou, tight_box


@pytest.mark.parametrize(
    ("one", "two", "iou"),
    [
        ((1, 2, 5, 9), (3, 4, 11, 7), 6 / (28 + 24 - 6)),
        ((3, 4, 11, 7), (1, 2, 5, 9), 6 / (28 + 24 - 6)),
        ((0, 0, 0.5, 0.25), (0, 0, 0.5, 0.5), 0.5),  # smaller than a pixel
        ((0, 0, 2, 2), (3, 0, 5, 2), 0),  # beside each other
        ((0, 0, 2, 2), (0, 3, 2, 5), 0),  # one above the other
        ((0, 0, 2, 2), (3, 3, 5, 5), 0),  # apart along both axes
        ((4, 0, 2, 2), (0, 0, 4, 2), 0),  # the edges of the first are exchanged: it has no area
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),
        (None, (0, 0, 1, 1), 0),
        ((0, 0, 1, 1), None, 0),
    ],
)
def test_intersection_over_union(one: tuple | None, two: tuple | None, iou: float) -> None:
    assert box_iou(one, two) == iou


@pytest.mark.parametrize("box", [(4, 0, 2, 2), (0, 4, 2, 2)])
def test_a_box_with_exchanged_edges_has_no_area(box: tuple) -> None:
    assert box_iou(box, (0, 0, 9, 9)) == 0
    assert box_iou(box, box) == 0


def test_the_tight_box_of_a_mask() -> None:
    mask = np.zeros((6, 8), dtype=bool)
    mask[1, 3] = mask[2, 4] = mask[4, 6] = True
    assert tight_box(mask) == (3.0, 1.0, 7.0, 5.0)
    mask[:] = False
    assert tight_box(mask) is None
    mask[1, 2] = True
    assert tight_box(mask) == (2.0, 1.0, 3.0, 2.0)
    assert all(isinstance(edge, float) for edge in tight_box(mask))


def test_the_background_is_the_last_uint16() -> None:
    assert np.iinfo(np.uint16).max == BACKGROUND == MAX_CLASSES
