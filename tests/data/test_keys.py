"""A slip of a key is refused, and other keys that nobody reads are named."""

from __future__ import annotations

import pytest

from vlmscope.data.keys import unread_keys
from vlmscope.errors import BadSampleError

FIELDS = (("image",), ("phrase", "text"), ("box",), ("mask",), ("answer",))
ROW = {"image": "a.png", "phrase": "a"}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("bbox", "box"),
        ("boxes", "box"),
        ("Box", "box"),
        ("bounding_box", "box"),
        ("masks", "mask"),
        ("answers", "answer"),
        ("ground-truth-answer", "answer"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(key: str, meant: str) -> None:
    with pytest.raises(BadSampleError, match=f"Did you mean '{meant}'"):
        unread_keys({**ROW, key: 1}, FIELDS)
    assert unread_keys({**ROW, key: None}, FIELDS) == [key]  # it says nothing, so nothing is lost
    assert unread_keys({**ROW, meant: 2, key: 1}, FIELDS) == [key]


@pytest.mark.parametrize(
    "key", ["id", "image_id", "task", "split", "answer_type", "box_area", "é", ""]
)
def test_other_keys_are_named_and_allowed(key: str) -> None:
    assert unread_keys({**ROW, key: 1}, FIELDS) == [key]


def test_a_missing_field_is_looked_for_among_its_slips() -> None:
    with pytest.raises(BadSampleError, match="Did you mean 'phrase'"):
        unread_keys({"image": "a.png", "phrases": "a"}, FIELDS)
    assert unread_keys(ROW, FIELDS) == []
