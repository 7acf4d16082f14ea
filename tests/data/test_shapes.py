"""Boxes and masks: what is taken, and one reason for everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vlmscope.data.shapes import (
    box_of,
    check_box_inside,
    check_mask_size,
    mask_array,
    mask_picture,
)
from vlmscope.errors import BadImageError, BadSampleError


@pytest.mark.parametrize(
    "value",
    [[1, 2, 3.5, 4], (1, 2, 3.5, 4), np.array([1, 2, 3.5, 4]), [np.float32(1), np.int8(2), 3.5, 4]],
)
def test_a_box_is_four_numbers_in_any_sequence(value: Any) -> None:
    assert box_of(value) == (1.0, 2.0, 3.5, 4.0)
    assert all(type(number) is float for number in box_of(value) or ())


def test_no_box_is_no_box() -> None:
    assert box_of(None) is None
    assert mask_array(None) is None


@pytest.mark.parametrize(
    "value",
    [
        5,
        "1234",
        b"1234",
        [1, 2, 3],
        [[1, 2, 3, 4]],
        [1, 2, "3", 4],
        [False, 0, True, 4],
        np.array([False, False, True, True]),
        [1, 2, None, 4],
        [1, 2, float("inf"), 4],
        [1, 2, 10**400, 4],
        {"x0": 1, "y0": 2, "x1": 3, "y1": 4},
    ],
)
def test_nothing_else_is_a_box(value: Any) -> None:
    with pytest.raises(BadSampleError, match="four numbers"):
        box_of(value)


@pytest.mark.parametrize("value", [(3, 1, 3, 2), (1, 5, 2, 4)])
def test_corners_the_wrong_way_round_hint_at_the_usual_mistake(value: Any) -> None:
    with pytest.raises(BadSampleError, match=r"\[x, y, width, height\], convert it"):
        box_of(value)


def test_a_box_must_touch_its_image() -> None:
    for inside in ((-5, -5, 0.5, 0.5), (29.5, 19.5, 90, 90)):
        check_box_inside(inside, (20, 30))
    for outside in ((-5, 0, 0, 5), (0, -5, 5, 0), (30, 0, 35, 5), (0, 20, 5, 25)):
        with pytest.raises(BadSampleError, match="which is 30 wide and 20 high"):
            check_box_inside(outside, (20, 30))


def test_a_picture_is_a_mask_where_it_is_not_black() -> None:
    picture = np.zeros((20, 30, 3), dtype=np.uint8)
    picture[4, 5, 2] = 1
    mask = mask_picture(picture, (20, 30))
    assert mask.dtype == bool
    assert np.argwhere(mask).tolist() == [[4, 5]]
    with pytest.raises(BadSampleError, match=r"30 wide and 20 high, the image 20 and 30"):
        mask_picture(picture, (30, 20))
    with pytest.raises(BadImageError, match="too large"):
        mask_picture(picture, (20, 30), max_pixels=599)


def test_sizes_of_masks_are_compared_as_height_and_width() -> None:
    check_mask_size(np.ones((2, 3), bool), (2, 3))
    with pytest.raises(BadSampleError, match="of x is 3 wide and 2 high, the image 2 and 3"):
        check_mask_size(np.ones((2, 3), bool), (3, 2), "of x")


def test_a_box_in_shares_of_the_image_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        BadSampleError, match="shares of the image. Give pixels: x times 30, y times 20"
    ):
        check_box_inside((0, 0, 1, 1), (20, 30))
    for plain in ((0, 0, 1, 2), (-0.5, 0, 1, 1), (0.5, 0.5, 1.5, 1)):
        check_box_inside(plain, (20, 30))
    check_box_inside((0, 0, 1, 1), (2, 2))
    with pytest.raises(BadSampleError, match="shares"):
        check_box_inside((0, 0, 1, 1), (1, 3))
