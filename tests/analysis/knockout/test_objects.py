"""Where words name objects."""

from __future__ import annotations

import pytest

from vlmscope.analysis.knockout import ObjectWords

WORDS = ObjectWords({"traffic light": ("stoplight",), "light": (), "dog": ("hound",)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dogs under traffic light", [("dog", 0, 1), ("traffic light", 2, 4)]),
        ("stoplight light", [("traffic light", 0, 1), ("light", 1, 2)]),
        ("traffic traffic lights", [("traffic light", 1, 3)]),
        ("nothing here", []),
        ("", []),
    ],
)
def test_the_longest_name_at_each_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    words = text.split()
    assert list(WORDS.mentions(words)) == expected
    assert WORDS.named(text) == {name for name, _, _ in expected}


def test_objects_are_names_and_not_their_other_words() -> None:
    assert WORDS.objects == {"traffic light", "light", "dog"}
