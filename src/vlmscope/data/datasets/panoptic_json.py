"""The listing of a COCO panoptic data set: images, categories, and the segments of each image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.base import Skipped
from vlmscope.errors import BadSampleError
from vlmscope.io import parse_json

__all__ = ["PanopticEntry", "PanopticListing"]


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
                with two categories, images or annotations of one id.
        """
        try:
            data = path.read_bytes()
            content = parse_json(data.decode("utf-8-sig"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadSampleError(
                f"Cannot read the panoptic listing {path}: {reason}. A COCO-panoptic folder holds "
                "panoptic.json, panoptic/*.png and images/."
            ) from error
        categories = {
            _field(item, "id", int, path): _field(item, "name", str, path)
            for item in _unique(content, "categories", "id", path)
        }
        if len(set(categories.values())) < len(categories):
            raise BadSampleError(f"Two categories of {path} have the same name.")
        images = {_key(item, "id", path): item for item in _unique(content, "images", "id", path)}
        entries: dict[str, PanopticEntry] = {}
        skipped: list[Skipped] = []
        for item in _unique(content, "annotations", "image_id", path):
            image_id = _key(item, "image_id", path)
            try:
                entries[image_id] = _entry(item, images.get(image_id), categories)
            except BadSampleError as error:
                skipped.append(Skipped(image_id, str(error)))
        digest = f"sha256:{hashlib.sha256(data).hexdigest()[:16]}"
        return cls(digest, categories, entries, tuple(skipped))


def _unique(content: Any, key: str, name: str, path: Path) -> list[dict[str, Any]]:
    """A list of objects of the file, no two of one id."""
    items = content.get(key) if isinstance(content, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise BadSampleError(
            f"{path} has no list {key!r}, so it is no panoptic listing of COCO. Give the folder that "
            "holds the panoptic annotations, not those of instances or captions."
        )
    seen: set[str] = set()
    for item in items:
        value = _key(item, name, path)
        if value in seen:
            raise BadSampleError(f"{path} holds two {key} with the {name} {value}.")
        seen.add(value)
    return items


def _field(item: Mapping[str, Any], key: str, kind: type[Any], path: Path) -> Any:
    value = item.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadSampleError(f"An entry of {path} has {key} {value!r}; it must be {kind.__name__}.")
    return value


def _key(item: Mapping[str, Any], key: str, path: Path) -> str:
    """An id as text: numbers in COCO, texts in Cityscapes and ADE20K (``ADE_val_00000001``)."""
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise BadSampleError(
            f"An entry of {path} has {key} {value!r}; it must be a whole number or a text."
        )
    return str(value)


def _entry(
    item: Mapping[str, Any], image: Mapping[str, Any] | None, categories: Mapping[int, str]
) -> PanopticEntry:
    """Raises BadSampleError for an annotation that does not hold together."""
    if image is None:
        raise BadSampleError("The annotation belongs to an image that the listing does not hold.")
    try:
        size = int(image["height"]), int(image["width"])
        name, png = str(image["file_name"]), str(item["file_name"])
        segments = {int(s["id"]): int(s["category_id"]) for s in item["segments_info"]}
        count = len(item["segments_info"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadSampleError(
            f"The annotation or its image lacks a field or holds a wrong one: {error!r}."
        ) from error
    if len(segments) < count or min(segments, default=1) < 1:
        raise BadSampleError("The annotation has a segment twice, or one whose id is below 1.")
    unknown = sorted(set(segments.values()) - set(categories))
    if unknown:
        raise BadSampleError(f"The annotation has segments of unknown categories: {unknown[:5]}.")
    for file in (name, png):
        if Path(file).is_absolute() or ".." in Path(file).parts:
            raise BadSampleError(f"The file name {file!r} leads out of the data set's folder.")
    return PanopticEntry(name, png, size, segments)
