"""The table of offsets against a dict."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from vlmscope.data.log.offsets import Offsets


def test_it_holds_what_a_dict_holds() -> None:
    random = np.random.default_rng(0)
    table, plain = Offsets(), {}
    for number, key in enumerate(random.integers(0, 3000, 5000)):
        name = f"image {key}"
        table.put(name, 1 + number)
        plain[name] = 1 + number
        assert len(table) == len(plain)
    for key in range(3500):
        assert table.get(f"image {key}") == plain.get(f"image {key}")


def test_offsets_of_files_beyond_four_gigabytes_are_kept() -> None:
    table = Offsets()
    table.put("last", 2**43 + 1)
    assert table.get("last") == 2**43 + 1


@pytest.mark.parametrize("key", ["", "\ud800", "\x00", "a" * 10_000, "\u00e9"])
def test_any_text_is_a_key(key: str) -> None:
    table = Offsets()
    assert table.get(key) is None
    table.put(key, 7)
    assert table.get(key) == 7


def test_keys_that_fall_into_one_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmscope.data.log.offsets._hash", lambda key: (int(key), 5))
    table = Offsets()
    for number in range(200):
        table.put(str(number), number + 1)
    assert [table.get(str(number)) for number in range(201)] == [*range(1, 201), None]


def test_a_key_takes_less_than_eighty_bytes() -> None:
    table = Offsets()
    for number in range(20_000):
        table.put(f"{number}", number + 1)
    assert sys.getsizeof(table._slots) < 80 * 20_000
