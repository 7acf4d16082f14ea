"""One small record per sentence: JSON values, from which every score is worked out again.

Records are all that is kept of a sample, so masks come and go one at a time. They may be written
as lines of JSON, read back in any order, and added to by a later run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vlmscope.errors import BadSampleError

__all__ = ["Record", "Records", "checked_id", "entry", "header", "once"]

Record = dict[str, Any]
"""``{"id", "image", ...}``: JSON values of one sentence."""

Records = Iterable[Mapping[str, Any]]
"""Records of many sentences; read once, from front to back."""


def header(sample: str | int, image: str | int) -> Record:
    """The part that all records share.

    Args:
        sample: id of the sentence, one of its kind in the data set.
        image: id of the image that it is on; intervals resample images.

    Raises:
        BadSampleError: an id that is neither text nor a whole number.
    """
    return {"id": checked_id(sample, "sentence"), "image": checked_id(image, "image")}


def checked_id(value: str | int, name: str) -> str | int:
    """An id that JSON leaves as it is.

    Raises:
        BadSampleError: neither text nor a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadSampleError(
            f"The id of the {name} must be text or a whole number, got {value!r}. "
            "Use int(...) for numbers that come from numpy."
        )
    return value


def once(records: Records) -> Iterator[Mapping[str, Any]]:
    """The records, each with its id and image, and none twice.

    Raises:
        BadSampleError: a record without id or image, or an id that was there before.
    """
    seen = set()
    for record in records:
        key = entry(record, "id")
        entry(record, "image")
        if key in seen:
            raise BadSampleError(
                f"The sentence {key!r} was recorded twice and would count twice. "
                "Keep one record per sentence and method."
            )
        seen.add(key)
        yield record


def entry(record: Mapping[str, Any], key: str) -> Any:
    """A value of a record.

    Raises:
        BadSampleError: a record without it.
    """
    if key not in record:
        raise BadSampleError(
            f"The record of {record.get('id', 'a sentence')!r} holds no {key!r}, only "
            f"{', '.join(map(repr, record))}. It may be another metric's."
        )
    return record[key]
