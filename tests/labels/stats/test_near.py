"""Near-duplicates are all found, by fewer comparisons than there are pairs."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadOptionError
from vlmscope.labels.stats import near
from vlmscope.labels.stats.near import near_groups, near_pairs


def _ones(values: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(values.view(np.uint8).reshape(*values.shape, 8), axis=-1)
    return bits.sum(-1)


def _hashes(count: int = 400) -> np.ndarray:
    """Random ones, some that differ from others in one or two bits, and some with a long equal part."""
    rng = np.random.default_rng(0)
    random = rng.integers(0, 2**64, count, dtype=np.uint64)

    def flipped(values: np.ndarray) -> np.ndarray:
        return values ^ (np.uint64(1) << rng.integers(0, 64, len(values), dtype=np.uint64))

    first, second = flipped(random[:100]), flipped(flipped(random[200:300]))
    return np.unique(np.concatenate([random, first, second, random & np.uint64(0xFFFFFF)]))


@pytest.mark.parametrize("bits", [0, 1, 3, 8])
@pytest.mark.parametrize("few", [1e9, 0])
def test_pairs_are_those_of_a_look_at_every_pair(
    bits: int, few: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "_FEW", few)  # 0: the cheapest of all choices of pieces
    values = _hashes()
    rows, columns = np.nonzero(_ones(values[:, None] ^ values[None]) <= bits)
    expected = {(row, column) for row, column in zip(rows, columns, strict=True) if row < column}
    found = near_pairs(values, bits)
    assert {tuple(sorted(pair)) for pair in zip(*found, strict=True)} == expected
    assert expected or not bits


def test_bits_are_counted_without_numpys_own_counter() -> None:
    values = _hashes()
    np.testing.assert_array_equal(near._counted(values), _ones(values))


def test_groups_hold_equal_ones_and_chains() -> None:
    hashes = np.array([7, 0xFF << 40, 7, 0b110111, 0b111, 2**63], dtype=np.uint64)
    groups = [places.tolist() for places in near_groups(hashes, 2)]
    assert groups == [[0, 2, 3, 4]]
    assert [places.tolist() for places in near_groups(hashes, 0)] == [[0, 2, 4]]
    assert near_groups(hashes[:0], 3) == []


def test_too_many_bits_are_refused() -> None:
    with pytest.raises(BadOptionError, match="near takes a whole number"):
        near_groups(np.zeros(2, dtype=np.uint64), 9)
