"""What four numbers mean, found from all boxes and the sizes of their images."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.data.box_readings import Reading, SizedBox, reading_of
from vlmscope.errors import BadSampleError

SIZE = (90, 160)  # height, width
READINGS = [Reading(form, shares) for form in ("xyxy", "xywh") for shares in (False, True)]  # type: ignore[arg-type]


def written(reading: Reading, count: int = 200) -> list[tuple[SizedBox, tuple[float, ...]]]:
    """Boxes all over a picture as a list writes them, with their corners in pixels."""
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(count):
        x0, y0 = rng.uniform(2, 140), rng.uniform(2, 75)
        x1, y1 = x0 + rng.uniform(4, 18), y0 + rng.uniform(4, 13)
        box = np.array([x0, y0, x1, y1])
        if reading.form == "xywh":
            box[2:] -= box[:2]
        if reading.shares:
            box /= (160, 90, 160, 90)
        rows.append(((tuple(float(side) for side in box), SIZE), (x0, y0, x1, y1)))
    return rows


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_the_reading_is_found_and_gives_pixels(reading: Reading) -> None:
    rows = written(reading)
    for stated in (None, reading):
        found, sentence = reading_of("a set", [row for row, _ in rows], stated)
        assert found == reading and sentence.startswith(f"{reading}, ")
        assert f"0 as {reading}" in sentence
    for (box, size), corners in rows:
        assert reading.corners(box, size) == pytest.approx(corners)


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_another_reading_than_the_stated_is_refused(reading: Reading) -> None:
    rows = [row for row, _ in written(reading)]
    for other in READINGS:
        if other != reading:
            with pytest.raises(BadSampleError, match=f"stated to be {other}.* As {reading} they"):
                reading_of("a set", rows, other)


def test_what_fits_both_ways_is_no_evidence() -> None:
    rows: list[SizedBox] = [((10.0, 10.0, 20.0, 20.0), SIZE)]
    with pytest.raises(BadSampleError, match="fit both ways, so they tell nothing"):
        reading_of("a set", rows)
    assert reading_of("a set", rows, READINGS[2])[0] == Reading("xywh", False)


def test_what_fits_neither_way_is_refused() -> None:
    rows: list[SizedBox] = [((10.0, 10.0, 500.0, 20.0), SIZE)] * 3
    with pytest.raises(
        BadSampleError, match="fit neither way: .* 3 as xyxy in pixels and 3 as xywh"
    ):
        reading_of("a set", rows)


def test_two_forms_or_two_units_mixed_are_refused() -> None:
    pixels, sizes, shares = (
        [row for row, _ in written(each, 40)] for each in (READINGS[0], READINGS[2], READINGS[1])
    )
    with pytest.raises(BadSampleError, match="fit neither way"):
        reading_of("a set", pixels + sizes)
    with pytest.raises(BadSampleError, match="Of 80 boxes of a set, 40 lie within 1"):
        reading_of("a set", pixels + shares)


def test_one_in_a_hundred_may_be_at_fault() -> None:
    rows = [row for row, _ in written(READINGS[2], 198)]
    faulty: SizedBox = ((150.0, 80.0, 40.0, 4.0), SIZE)
    assert reading_of("a set", [*rows, faulty])[0] == READINGS[2]
    with pytest.raises(BadSampleError, match="fit neither way"):
        reading_of("a set", [*rows, faulty, faulty, faulty])


def test_a_box_within_the_first_pixel_is_of_the_other_unit() -> None:
    assert not Reading("xyxy", False).fits((0.1, 0.1, 0.5, 0.5), SIZE)
    assert Reading("xyxy", True).fits((0.1, 0.1, 0.5, 0.5), SIZE)
    assert not Reading("xyxy", True).fits((10, 10, 20, 20), SIZE)
    assert not Reading("xyxy", False).fits((20, 20, 10, 30), SIZE)
