"""Images that are in the split where heads are discovered and in one that is scored."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from vlmscope.reproduce.localization_heads.splits import FAMILY, PaperSplit

__all__ = ["Overlap", "image_overlaps", "unscored_images"]

_NUMBER = re.compile(r"(?<!\d)\d{12}(?!\d)")  # of an image in the names of COCO's files


@dataclass(frozen=True)
class Overlap:
    """How many images of a train split are scored.

    Attributes:
        train, scored: names of the splits.
        images: of the scored split.
        shared: of these in the train split; None: it cannot be told.
    """

    train: str
    scored: str
    images: int
    shared: int | None


def image_overlaps(train: PaperSplit, scored: Sequence[PaperSplit]) -> list[Overlap]:
    """The overlap of a train split with each scored one that is there."""
    own = {_key(train, each) for each in train.opened.image_ids} - {None}
    rows = []
    for split in scored:
        keys = [_key(split, each) for each in split.opened.image_ids]
        shared = sum(key in own for key in keys) if own and None not in keys else None
        rows.append(Overlap(train.name, split.name, len(keys), shared))
    return rows


def unscored_images(train: PaperSplit, scored: Sequence[PaperSplit]) -> list[str]:
    """Images of a train split that no scored split holds, as far as it can be told."""
    taken = {_key(split, each) for split in scored for each in split.opened.image_ids} - {None}
    return [each for each in train.opened.image_ids if _key(train, each) not in taken]


def _key(split: PaperSplit, image_id: str) -> Hashable | None:
    """What tells an image from others across splits: COCO's number; None: nothing does.

    Rendered sets count their own images, so that numbers of two sets say nothing of each other.
    """
    if split.set not in FAMILY:
        return None
    found = _NUMBER.search(image_id)
    number = found[0] if found else image_id
    if not number.isdigit():
        return None
    rendered = "rendered" in split.opened.protocol
    return (split.set if rendered else "coco", int(number))
