"""A classifier's labels stand in for text: whole, by one of their names, or by number."""

from __future__ import annotations

import pytest

from vlmscope.errors import UnknownNameError
from vlmscope.models.encoders.vit import label_rows

LABELS = {0: "tabby, tabby cat", 1: "golden retriever", 2: "bus, coach", 10: "zebra"}


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("tabby, tabby cat", 0),
        ("Tabby Cat", 0),
        (" coach ", 2),
        ("zebra", 10),
        ("10", 10),
        ("1", 1),
    ],
)
def test_a_label_is_found(text: str, row: int) -> None:
    assert label_rows(LABELS, [text]) == [row]


def test_the_first_of_two_labels_with_one_name_is_taken() -> None:
    assert label_rows({0: "crane, bird", 1: "crane, machine"}, ["crane"]) == [0]


@pytest.mark.parametrize("text", ["zebr", "3", "-1", "1.0"])
def test_an_unknown_label_is_answered_with_the_nearest(text: str) -> None:
    with pytest.raises(UnknownNameError, match="zebra"):
        label_rows(LABELS, [text])
