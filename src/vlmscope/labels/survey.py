"""A look through a source before any work: how many images there are, and that no two have one id."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vlmscope.errors import BadImageError, BadSampleError, ModelMismatchError
from vlmscope.labels.footers import Key, key_of
from vlmscope.labels.locks import Shard
from vlmscope.labels.parts import PartStore
from vlmscope.labels.sources import Item, Source

__all__ = ["Survey", "pending_items", "surveyed"]


@dataclass(frozen=True)
class Survey:
    """What a source holds.

    Attributes:
        images: of this shard.
        done: of these, how many have rows.
    """

    images: int
    done: int


def surveyed(source: Source, shard: Shard, store: PartStore) -> Survey:
    """Go through the ids of a source once; of each 8 bytes are kept.

    Raises:
        BadImageError: there is no image.
        BadSampleError: two images have one id.
        ModelMismatchError: an image has rows of other phrases than it has now.
    """
    seen = array("Q")
    total = images = done = 0
    for item in source.items():
        total += 1
        key = key_of(item)
        if not source.unique:
            seen.append(int.from_bytes(key.id[:8], "little"))
        if shard.holds(key.id):
            images += 1
            done += bool(store.images) and _is_done(item, key, store)
    if not total:
        raise BadImageError(
            f"The source {source.identity['place']} holds no image. Check the path, and that images end in "
            ".jpg, .png or the like."
        )
    _check_different(source, seen)
    return Survey(images, done)


def pending_items(source: Source, shard: Shard, wanted: Callable[[Key], bool]) -> Iterator[Item]:
    """The images of a shard that are wanted, in the order of the source."""
    for item in source.items():
        key = key_of(item)
        if shard.holds(key.id) and wanted(key):
            yield item


def _check_different(source: Source, seen: array[int]) -> None:
    """Only where beginnings of digests are equal, which is rare, are ids themselves looked at."""
    ordered = np.sort(np.frombuffer(seen, np.uint64)) if seen else np.zeros(0, np.uint64)
    alike = {int(each) for each in ordered[1:][ordered[1:] == ordered[:-1]]}
    if not alike:
        return
    numbers: dict[str, int] = {}
    for number, item in enumerate(source.items(), start=1):
        if int.from_bytes(key_of(item).id[:8], "little") in alike:
            first = numbers.setdefault(item.id, number)
            if first != number:
                raise BadSampleError(
                    f"Two images have the id {item.id!r}: number {first:,} and number {number:,} of the "
                    "source. An id stands for one image: give a column of unique ones with --id-column, "
                    "or take one of them out."
                )


def _is_done(item: Item, key: Key, store: PartStore) -> bool:
    state = store.state(key)
    if state == "changed":
        raise ModelMismatchError(
            f"The image {item.id!r} was labelled with other phrases than its row has now. Give another "
            "folder for --out."
        )
    return state == "done"
