"""Keys of a row that nobody reads: a slip of one that is read is refused, others are passed over."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.errors import BadSampleError

__all__ = ["unread_keys"]

_LONGEST = 60  # characters of a key that may be a slip; comparing longer ones takes long
_ALIKE = 0.8  # bbox and box, answers and answer; but not task and mask


def unread_keys(record: Mapping[str, Any], fields: Sequence[Sequence[str]]) -> list[str]:
    """Keys of a row that are not read, and are no slips of one that is.

    ``bbox`` is a slip of ``box``, and so is ``bounding_box``; ``image_id`` is none of ``image``. A
    row that has a field by its right name may have others that are like it.

    Args:
        record: the row.
        fields: of each field the names by which it is known, the usual one first.

    Raises:
        BadSampleError: a slip; names what was probably meant.
    """
    known = {name for names in fields for name in names}
    unread = [key for key in record if key not in known]
    for names in fields:
        if any(record.get(name) is not None for name in names):
            continue
        for key in unread:
            meant = _meant(key, names)
            if meant is not None and record[key] is not None:
                raise BadSampleError(
                    f"The key {key[:40]!r} is not read. Did you mean {meant!r}? Read are: "
                    f"{', '.join(each[0] for each in fields)}."
                )
    return unread


def _meant(key: str, names: Sequence[str]) -> str | None:
    """The name that a key is a slip of."""
    if len(key) > _LONGEST:
        return None
    words = [word for word in re.split(r"[^a-z]+", key.lower()) if word]
    if not words:
        return None
    spellings = {"".join(words), words[-1]}  # the last word says what a thing is: bounding_box
    spellings |= {each.removesuffix(end) for each in spellings for end in ("s", "es")}
    for name in names:
        for spelling in spellings:
            if difflib.SequenceMatcher(None, spelling, name).ratio() >= _ALIKE:
                return name
    return None
