"""Whether boxes are corners or corner and size."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.data.box_forms import form_by_sizes, form_by_truth, four_numbers, to_corners
from vlmscope.errors import BadSampleError


def boxes(count: int = 30) -> list[tuple[float, float, float, float]]:
    rng = np.random.default_rng(1)
    low, side = rng.random((count, 2)) * 60, rng.random((count, 2)) * 30 + 5
    return [(float(a), float(b), float(a + c), float(b + d)) for (a, b), (c, d) in zip(low, side)]  # noqa: B905


@pytest.mark.parametrize("form", ["xyxy", "xywh"])
def test_the_form_is_found_from_the_truth(form: str) -> None:
    truth = boxes()
    written = [(a, b, c - a, d - b) if form == "xywh" else (a, b, c, d) for a, b, c, d in truth]
    found, sentence = form_by_truth("a set", list(zip(written, truth, strict=True)))
    assert found == form
    assert sentence.startswith(f"{form}: mean IoU 1.00 with the annotations of 30 objects")


def test_boxes_that_fit_neither_way_are_refused() -> None:
    truth = boxes()
    shifted = [(a + 200, b + 200, c + 200, d + 200) for a, b, c, d in truth]
    with pytest.raises(BadSampleError, match="fit neither as xyxy nor as xywh alone"):
        form_by_truth("a set", list(zip(shifted, truth, strict=True)))
    with pytest.raises(BadSampleError, match="fit neither"):
        form_by_truth("a set", [])


def test_boxes_at_the_origin_tell_nothing() -> None:
    truth = [(0.0, 0.0, c - a, d - b) for a, b, c, d in boxes()]
    with pytest.raises(BadSampleError, match="1.00 and 1.00"):
        form_by_truth("a set", [(box, box) for box in truth])


def test_two_forms_mixed_are_refused() -> None:
    truth = boxes()
    mixed = [
        (a, b, c - a, d - b) if place % 2 else (a, b, c, d)
        for place, (a, b, c, d) in enumerate(truth)
    ]
    with pytest.raises(BadSampleError, match="two were mixed"):
        form_by_truth("a set", list(zip(mixed, truth, strict=True)))


def test_the_stated_form_has_to_fit_every_image() -> None:
    rows = [((50.0, 30.0, 9.0, 8.0), (40, 60)), ((5.0, 5.0, 20.0, 20.0), (40, 60))]
    assert form_by_sizes("a set", "xywh", rows).endswith("as xyxy, 1 of 2 would not fit")
    with pytest.raises(BadSampleError, match="1 of 2 boxes of a set do not lie .* As xywh all fit"):
        form_by_sizes("a set", "xyxy", rows)


@pytest.mark.parametrize(
    "value", [None, [1, 2, 3], "abcd", [1, 2, 3, float("inf")], [[1, 2, 3, 4]]]
)
def test_four_numbers_are_four_numbers(value: object) -> None:
    with pytest.raises(BadSampleError, match="A box is four numbers"):
        four_numbers(value)


def test_corners() -> None:
    assert to_corners((1, 2, 3, 4), "xywh") == (1, 2, 4, 6)
    assert to_corners((1, 2, 3, 4), "xyxy") == (1, 2, 3, 4)
