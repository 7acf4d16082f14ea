"""The arrays of a view: taken out of its blocks into one blob, and put back.

Wherever a block holds an array, its JSON holds ``{"$array": k}``: the k-th entry of the list of arrays
says of what type and shape it is and where in the blob it lies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vlmscope.errors import BadOptionError, BadViewError
from vlmscope.viewer.picture import KINDS, Picture

__all__ = ["ALIGNMENT", "REFERENCE", "put_back", "take_out"]

ALIGNMENT = 8
"""Bytes at a multiple of which each array begins."""

REFERENCE = "$array"
"""The one key of the JSON object that stands for an array."""

_TYPES = ("float16", "float32", "uint8", "int32")
_MOST_DIMENSIONS = 8
_MOST = 2**53  # counts that every reader tells apart


def take_out(blocks: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[dict[str, Any]], bytes]:
    """Blocks as plain JSON, the list of their arrays, and the blob.

    An array that occurs twice is kept once.

    Raises:
        BadOptionError: a value that neither JSON nor the list of arrays can hold.
    """
    collection = _Collection()
    plain = [collection.plain(block, f"block {index}") for index, block in enumerate(blocks)]
    return plain, collection.entries, b"".join(collection.parts)


class _Collection:
    """Arrays on their way into a blob."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.parts: list[bytes] = []
        self._size = 0
        self._places: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def plain(self, value: Any, place: str) -> Any:
        """A value as JSON holds it; arrays and pictures become references."""
        if isinstance(value, np.ndarray):
            return {REFERENCE: self._array(value, place)}
        if isinstance(value, Picture):
            return {REFERENCE: self._add(value.mime, (len(value.data),), value.data)}
        if isinstance(value, Mapping):
            return {
                _key(key, place): self.plain(each, f"{place}.{key}") for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.plain(each, f"{place}[{index}]") for index, each in enumerate(value)]
        return _scalar(value, place)

    def _array(self, array: np.ndarray[Any, Any], place: str) -> int:
        if array.dtype.name not in _TYPES:
            raise BadOptionError(
                f"{place} holds an array of {array.dtype.name}; a view holds {', '.join(_TYPES)}. "
                "Convert it first."
            )
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        return self._add(array.dtype.name, array.shape, little.tobytes())

    def _add(self, kind: str, shape: tuple[int, ...], data: bytes) -> int:
        place = self._places.setdefault((kind, shape, data), len(self.entries))
        if place < len(self.entries):
            return place
        entry = {"dtype": kind, "shape": list(shape), "offset": self._size, "bytes": len(data)}
        self.entries.append(entry)
        padded = data + bytes(-len(data) % ALIGNMENT)
        self.parts.append(padded)
        self._size += len(padded)
        return place


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise BadOptionError(f"{place} has the key {key!r}; keys of a block are strings.")
    return key


def _scalar(value: Any, place: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):  # half a surrogate pair can be neither written nor shown
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not np.isfinite(value):
        raise BadOptionError(
            f"{place} is {value}, which JSON cannot say; use None for what is missing."
        )
    if value is None or isinstance(value, bool | int | float):
        return value
    raise BadOptionError(
        f"{place} is of type {type(value).__name__}; a block holds text, numbers, lists, dictionaries, "
        "arrays and pictures."
    )


def put_back(blocks: Any, entries: Any, blob: bytes) -> list[dict[str, Any]]:
    """Blocks whose references are arrays and pictures again; what no viewer knows stays as it is.

    Args:
        blocks: as in a document.
        entries: its list of arrays.
        blob: the bytes they lie in.

    Raises:
        BadViewError: a list of arrays that does not fit the blob, or a reference to none of them.
    """
    if not isinstance(entries, list):
        raise BadViewError("The view does not fit together: its list of arrays is missing.")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise BadViewError("The view does not fit together: its blocks are no list of objects.")
    arrays = [_read(entry, index, blob) for index, entry in enumerate(entries)]
    return [_filled(block, arrays) for block in blocks]


def _filled(value: Any, arrays: Sequence[Any]) -> Any:
    if isinstance(value, list):
        return [_filled(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {REFERENCE}:
        return {key: _filled(each, arrays) for key, each in value.items()}
    place = value[REFERENCE]
    if not _is_count(place) or place >= len(arrays):
        raise BadViewError(
            f"The view does not fit together: it speaks of array {place!r} and holds {len(arrays)}."
        )
    return arrays[place]


def _read(entry: Any, index: int, blob: bytes) -> Any:
    """One array or picture out of the blob."""
    if not _is_entry(entry):
        raise BadViewError(
            f"The view does not fit together: array {index} lacks dtype, shape, offset or bytes."
        )
    kind, shape, offset, size = (entry[key] for key in ("dtype", "shape", "offset", "bytes"))
    if offset % ALIGNMENT or offset + size > len(blob):
        raise BadViewError(
            f"The view does not fit together: array {index} should lie at bytes {offset} to "
            f"{offset + size} of {len(blob)}. It may be cut short: fetch or write it again."
        )
    data = blob[offset : offset + size]
    if kind in KINDS:
        return Picture(data, kind)
    if kind not in _TYPES:
        raise BadViewError(
            f"Array {index} of the view is of the unknown type {kind!r}; known are "
            f"{', '.join((*_TYPES, *KINDS))}. A newer vlmscope may read it."
        )
    dtype = np.dtype(kind)
    if _product(shape) * dtype.itemsize != size or _product(map(_one, shape)) > _MOST:
        raise BadViewError(
            f"The view does not fit together: array {index} of shape {shape} and type {kind} cannot "
            f"have {size} bytes."
        )
    array = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
    return array if sys.byteorder == "little" else array.astype(dtype)


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
        return False
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        return False
    return all(map(_is_count, (*shape, entry.get("offset"), entry.get("bytes"))))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _one(length: int) -> int:
    """A length, and 1 for an empty axis: numpy holds no shape whose other axes are beyond counting."""
    return max(1, length)


def _product(shape: Iterable[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
