"""File names for images: their ids without the ending, safe to write wherever the ids come from."""

from __future__ import annotations

import hashlib
import posixpath
import re
from array import array
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

__all__ = ["FileKeys", "KeyCounter"]

_LONGEST = 200  # bytes of a name between slashes; systems take 255, and endings are added
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
_ASIDE = "renamed"


class FileKeys:
    """The path, without an ending, under which the files of an image are written.

    ``sub/a.jpg`` has the key ``sub/a``. Images that differ in nothing but their ending keep it. An id
    that leads out of the folder, or that some system takes for no name, is quoted as in an address and
    stands under ``renamed/``.

    Args:
        shared: uint64 (n,), hashes of the keys that not one image alone has.
    """

    def __init__(self, shared: NDArray[np.uint64]) -> None:
        self._shared = frozenset(shared.tolist())

    def __call__(self, name: str) -> str:
        """The key of the image with an id."""
        key = _stem(name)
        return _safe(name) if _hash(key) in self._shared else key

    def __len__(self) -> int:
        """How many keys are not of one image alone."""
        return len(self._shared)


class KeyCounter:
    """Counts keys in sixteen bytes an image, for a million names are too many to keep."""

    def __init__(self) -> None:
        self._stems = array("Q")
        self._names = array("Q")

    def add(self, name: str) -> None:
        """Count the image with an id."""
        self._stems.append(_hash(_stem(name)))
        self._names.append(_hash(_safe(name)))

    def keys(self) -> FileKeys:
        """Keys that tell all images apart that were counted."""
        stems = np.frombuffer(self._stems, dtype=np.uint64)
        names = np.frombuffer(self._names, dtype=np.uint64)
        shared = _repeated(stems)
        while True:  # beside a.jpg and a.png there may be an a.jpg.png, whose key is a name now
            kept = np.isin(stems, shared)
            taken = stems[~kept & np.isin(stems, names[kept])]
            if not len(taken):
                return FileKeys(shared)
            shared = np.union1d(shared, taken)

    @property
    def repeated(self) -> int:
        """How many ids were counted more than once."""
        return len(_repeated(np.frombuffer(self._names, dtype=np.uint64)))


def _repeated(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values, counts = np.unique(hashes, return_counts=True)
    return values[counts > 1]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def _stem(name: str) -> str:
    return posixpath.splitext(_safe(name))[0]


def _safe(name: str) -> str:
    """An id as a path that stays within the folder."""
    parts = name.split("/")
    if all(_is_plain(part) for part in parts):
        return name
    quoted = quote(name, safe=" ")
    if len(quoted) > _LONGEST:
        ending = posixpath.splitext(name)[1]
        quoted = hashlib.sha256(name.encode("utf-8")).hexdigest()[:32]
        quoted += ending if _is_plain(f"a{ending}") and len(ending) < 10 else ""
    return f"{_ASIDE}/{quoted}"


def _is_plain(part: str) -> bool:
    fine = part.strip(". ") != "" and not _UNSAFE.search(part)
    return fine and len(part.encode("utf-8")) <= _LONGEST
