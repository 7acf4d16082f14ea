"""Names of files for images: without an ending where that tells them apart."""

from __future__ import annotations

import pytest

from vlmscope.export.formats import KeyCounter


def _keys(*names: str) -> list[str]:
    counter = KeyCounter()
    for name in names:
        counter.add(name)
    keys = counter.keys()
    return [keys(name) for name in names]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["sub/a.jpg", "b.png"], ["sub/a", "b"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        # the key of the third would be the name of the first
        (["a.jpg", "a.png", "a.jpg.png"], ["a.jpg", "a.png", "a.jpg.png"]),
        (["a", "a.jpg"], ["a", "a.jpg"]),
        ([".jpg"], [".jpg"]),
    ],
)
def test_keys(names: list[str], keys: list[str]) -> None:
    assert _keys(*names) == keys


def test_a_name_that_no_system_takes_is_quoted() -> None:
    assert _keys("../a.jpg", "b?.png", "") == ["renamed/..%2Fa", "renamed/b%3F", "renamed/"]


def test_ids_that_come_twice_are_counted() -> None:
    counter = KeyCounter()
    for name in ("a", "b", "a"):
        counter.add(name)
    assert counter.repeated == 1
