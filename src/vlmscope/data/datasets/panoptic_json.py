"""The listing of a COCO panoptic data set: images, categories, and the segments of each image."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.base import Skipped
from vlmscope.errors import BadSampleError
from vlmscope.io import parse_json, unread

__all__ = ["PanopticEntry", "PanopticListing"]

_LONGEST_ID = 200
_SHOWN = 80  # characters of a wrong value in a message
_MOST = (1 << 24) - 1  # a segment id is written into three bytes of colour


@dataclass(frozen=True)
class PanopticEntry:
    """One image of the listing.

    Attributes:
        image: file name of the photograph.
        png: file name of the panoptic picture.
        size: (height, width).
        segments: segment id -> category id.
    """

    image: str
    png: str
    size: tuple[int, int]
    segments: Mapping[int, int]


@dataclass(frozen=True)
class PanopticListing:
    """``panoptic.json``, checked.

    Attributes:
        digest: of the file.
        categories: category id -> name, in the order of the file.
        entries: image id -> entry, in the order of the annotations.
        skipped: annotations that cannot be used.
    """

    digest: str
    categories: Mapping[int, str]
    entries: Mapping[str, PanopticEntry]
    skipped: tuple[Skipped, ...]

    @classmethod
    def load(cls, path: Path) -> PanopticListing:
        """Read the file.

        Raises:
            BadSampleError: missing, no JSON, or without images, annotations and categories; or
                with two categories of one id or name.
        """
        try:
            data = path.read_bytes()
            content = parse_json(data.decode("utf-8-sig"))
        except (OSError, ValueError) as error:
            raise BadSampleError(
                f"Cannot read the panoptic listing {path}: {unread(error)}. A COCO-panoptic folder holds "
                "panoptic.json, panoptic/*.png and images/."
            ) from error
        categories = _categories(content, path)
        skipped: list[Skipped] = []
        images = _by_id(_listed(content, "images", path), "image", "id", skipped)
        rows = _by_id(_listed(content, "annotations", path), "annotation", "image_id", skipped)
        entries: dict[str, PanopticEntry] = {}
        first: dict[tuple[str, str], str] = {}
        for image_id, item in rows.items():
            try:
                entry = _entry(item, images.get(image_id), categories)
                _check_repeat(image_id, entry, first)
            except BadSampleError as error:
                skipped.append(Skipped(image_id, str(error)))
            else:
                entries[image_id] = entry
        digest = f"sha256:{hashlib.sha256(data).hexdigest()[:16]}"
        return cls(digest, categories, entries, tuple(skipped))


def _categories(content: Any, path: Path) -> dict[int, str]:
    """Id -> name. One that is wrong spoils every image, so here nothing is skipped."""
    categories: dict[int, str] = {}
    for item in _listed(content, "categories", path):
        fields = item if isinstance(item, dict) else {}
        number = _field(fields, "id", int, path)
        if number in categories:
            raise BadSampleError(f"{path} holds two categories with the id {number}.")
        categories[number] = _field(fields, "name", str, path)
    if len(set(categories.values())) < len(categories):
        raise BadSampleError(f"Two categories of {path} have the same name.")
    return categories


def _listed(content: Any, key: str, path: Path) -> list[Any]:
    """A list of the file."""
    items = content.get(key) if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise BadSampleError(
            f"{path} has no list {key!r}, so it is no panoptic listing of COCO. Give the folder that "
            "holds the panoptic annotations, not those of instances or captions."
        )
    return items


def _by_id(
    items: Sequence[Any], kind: str, key: str, skipped: list[Skipped]
) -> dict[str, Mapping[str, Any]]:
    """The rows of a list by their ids; one that is written twice counts once.

    Args:
        items: the list.
        kind: of its rows, for messages.
        key: of the id.
        skipped: rows without an id, repeats, and all rows of an id that say different things are
            added to it.
    """
    rows: dict[str, Mapping[str, Any]] = {}
    at_odds: set[str] = set()
    for number, item in enumerate(items):
        image_id = _id(item, key)
        if image_id is None:
            got = repr(item.get(key) if isinstance(item, dict) else item)[:_SHOWN]
            reason = f"Its {key} must be a whole number or a text (a short one), got {got}."
            skipped.append(Skipped(f"{kind} {number}", reason))
        elif rows.setdefault(image_id, item) != item:
            at_odds.add(image_id)
        elif rows[image_id] is not item:
            reason = f"The listing holds this {kind} more than once; it counts once."
            skipped.append(Skipped(image_id, reason))
    for image_id in at_odds:
        reason = f"The listing holds two {kind}s of this {key}, which say different things."
        skipped.append(Skipped(image_id, reason))
    return {image_id: row for image_id, row in rows.items() if image_id not in at_odds}


def _id(item: Any, key: str) -> str | None:
    """An id as text: numbers in COCO, texts in Cityscapes and ADE20K (``ADE_val_00000001``)."""
    value = item.get(key) if isinstance(item, dict) else None
    is_id = isinstance(value, int | str) and not isinstance(value, bool)
    return str(value) if is_id and 0 < len(str(value)) <= _LONGEST_ID else None


def _check_repeat(image_id: str, entry: PanopticEntry, first: dict[tuple[str, str], str]) -> None:
    """Raises BadSampleError for the files of an earlier entry under another id."""
    earlier = first.setdefault((entry.image, entry.png), image_id)
    if earlier != image_id:
        raise BadSampleError(f"It has the files of image {earlier}, which counts once.")


def _field(item: Mapping[str, Any], key: str, kind: type[Any], path: Path) -> Any:
    value = item.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadSampleError(f"An entry of {path} has {key} {value!r}; it must be {kind.__name__}.")
    return value


def _entry(
    item: Mapping[str, Any], image: Mapping[str, Any] | None, categories: Mapping[int, str]
) -> PanopticEntry:
    """Raises BadSampleError for an annotation that does not hold together."""
    if image is None:
        raise BadSampleError("The annotation belongs to an image that the listing does not hold.")
    try:
        size = _whole(image["height"]), _whole(image["width"])
        name, png = _name(image["file_name"]), _name(item["file_name"])
        segments = {_whole(s["id"]): _whole(s["category_id"]) for s in item["segments_info"]}
        count = len(item["segments_info"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadSampleError(
            f"The annotation or its image lacks a field or holds a wrong one: {str(error)[:_SHOWN]}."
        ) from error
    if len(segments) < count or not all(1 <= number <= _MOST for number in segments):
        raise BadSampleError(
            f"The annotation has a segment twice, or one whose id is not from 1 to {_MOST:,}."
        )
    unknown = sorted(set(segments.values()) - set(categories))
    if unknown:
        raise BadSampleError(f"The annotation has segments of unknown categories: {unknown[:5]}.")
    for file in (name, png):
        if Path(file).is_absolute() or ".." in Path(file).parts:
            raise BadSampleError(f"The file name {file!r} leads out of the data set's folder.")
    return PanopticEntry(name, png, size, segments)


def _whole(value: Any) -> int:
    """A whole number, perhaps written as a text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip("/. ") or "\0" in value:
        raise TypeError(f"{value!r} is no file name")
    return value
