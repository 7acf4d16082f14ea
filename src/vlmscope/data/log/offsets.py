"""Where records begin in a file, by their keys: a table of 24 bytes a slot, without the keys."""

from __future__ import annotations

import hashlib
from array import array

__all__ = ["Offsets"]

_FEWEST = 64  # slots; a power of two, so that a key's slot is some of its bits
_FULL = 0.7
_WORD = 1 << 64


class Offsets:
    """A mapping from texts to offsets of at least 1; what is in it cannot be taken out.

    Another thread may ask while one puts. Of a key only a hash of 128 bits is kept, whose collisions
    are too rare to happen: with a million keys one in 10**27. A dict of the same keys takes ten times
    the memory.
    """

    def __init__(self) -> None:
        # three words a slot: two of hash, then the offset, 0 where the slot is free
        self._slots = array("Q", bytes(24 * _FEWEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def get(self, key: str) -> int | None:
        """The offset of a key, or None."""
        slots = self._slots  # a table that grows is another one
        return slots[_place(slots, *_hash(key)) + 2] or None

    def put(self, key: str, offset: int) -> None:
        """Keep the offset of a key; a later one takes the place of an earlier one."""
        high, low = _hash(key)
        at = _place(self._slots, high, low)
        if not self._slots[at + 2]:
            self._count += 1
        _write(self._slots, at, high, low, offset)
        if self._count > _FULL * (len(self._slots) // 3):
            self._grow()

    def _grow(self) -> None:
        old, new = self._slots, array("Q", bytes(2 * 8 * len(self._slots)))
        for at in range(0, len(old), 3):
            if old[at + 2]:
                _write(new, _place(new, old[at], old[at + 1]), *old[at : at + 3])
        self._slots = new


def _place(slots: array[int], high: int, low: int) -> int:
    """The first word of a key's slot, or of the free one that it would get."""
    last = len(slots) // 3 - 1
    slot = low & last
    while True:
        at = 3 * slot
        if not slots[at + 2] or (slots[at] == high and slots[at + 1] == low):
            return at
        slot = (slot + 1) & last


def _write(slots: array[int], at: int, high: int, low: int, offset: int) -> None:
    slots[at], slots[at + 1], slots[at + 2] = high, low, offset  # the offset last: then it is there


def _hash(key: str) -> tuple[int, int]:
    """128 bits of a key as two words."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return divmod(int.from_bytes(digest, "little"), _WORD)
