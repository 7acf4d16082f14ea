"""Rows of a sample list: every accepted form, and one clear reason for every other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from handmade import scene
from vlmscope.data.samples import grouped, image_id, read_sample, sample_id
from vlmscope.errors import BadSampleError

IMAGE, BOX = scene(0)
MASK = np.zeros((64, 64), dtype=bool)
MASK[3:5, 6:9] = True


@pytest.mark.parametrize(
    ("given", "has_box", "has_mask"),
    [
        ((IMAGE, "a thing"), False, False),
        ([IMAGE, "a thing", BOX], True, False),
        ((IMAGE, "a thing", np.array(BOX)), True, False),
        ((IMAGE, "a thing", MASK), False, True),
        (SimpleNamespace(image=IMAGE, phrase="a thing"), False, False),
        (SimpleNamespace(image=IMAGE, phrase="a thing", box=BOX, mask=MASK), True, True),
        (
            SimpleNamespace(image=IMAGE, phrase="a thing", box=None, mask=MASK.astype(int)),
            False,
            True,
        ),
    ],
)
def test_every_form_of_a_row(given: object, has_box: bool, has_mask: bool) -> None:
    sample = read_sample(4, given)
    assert (sample.row, sample.phrase) == (4, "a thing")
    assert (sample.box is not None, sample.mask is not None) == (has_box, has_mask)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a thing", "got str"),
        ((IMAGE,), "tuple of 1"),
        ((IMAGE, ""), "'phrase' must be a text"),
        ((IMAGE, 5), "'phrase' must be a text"),
        ((IMAGE, "a", (1, 2, 3)), "four numbers"),
        ((IMAGE, "a", "left"), "four numbers"),
        ((IMAGE, "a", (1, 2, 3, float("nan"))), "four numbers"),
        ((IMAGE, "a", (50, 10, 20, 30)), "x0 < x1"),
        ((IMAGE, "a", np.zeros((64, 64), dtype=bool)), "True somewhere"),
        (SimpleNamespace(image=IMAGE, phrase="a", mask=np.ones((2, 2), float)), "mask is a bool"),
        (SimpleNamespace(image=IMAGE, phrase="a", mask=np.ones((2, 2, 3), bool)), "mask is a bool"),
    ],
)
def test_anything_else_is_refused_with_the_reason(given: object, words: str) -> None:
    with pytest.raises(BadSampleError, match=words):
        read_sample(0, given)


def test_digests_tell_pictures_and_phrases_apart() -> None:
    other, _ = scene(1)
    digest = sample_id(IMAGE, "a thing")
    assert digest == sample_id(IMAGE.copy(), " a thing ")
    assert digest != sample_id(IMAGE, "a thin")
    assert digest != sample_id(other, "a thing")
    assert digest != sample_id(IMAGE.reshape(32, 128, 3), "a thing")
    assert image_id(digest) == image_id(sample_id(IMAGE, "something else"))
    assert image_id(digest) != image_id(sample_id(other, "a thing"))


def test_consecutive_rows_on_one_image_form_a_group() -> None:
    other, _ = scene(1)
    rows = [(IMAGE, "a"), (IMAGE, "b"), (other, "a"), ("x.png", "a"), ("x.png", "b"), (IMAGE, "c")]
    groups = [*grouped(read_sample(row, given) for row, given in enumerate(rows))]
    assert [[sample.row for sample in group] for group in groups] == [[0, 1], [2], [3, 4], [5]]


def test_groups_are_not_endless() -> None:
    groups = [*grouped(read_sample(row, (IMAGE, f"phrase {row}")) for row in range(70))]
    assert [len(group) for group in groups] == [32, 32, 6]
