"""COCO's ``instances.json``: images, categories, and the annotations that a data set names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import four_numbers
from vlmscope.data.coco_masks import coco_mask, has_polygons
from vlmscope.data.datasets.referring import Region
from vlmscope.errors import BadSampleError
from vlmscope.io import parse_json, shown_path, unread
from vlmscope.types import Box

__all__ = ["CocoImage", "Instances", "json_file", "region_of"]


@dataclass(frozen=True)
class CocoImage:
    """A row of ``images``.

    Attributes:
        name: of the file.
        size: (height, width), or None where the row does not say.
    """

    name: str
    size: tuple[int, int] | None


@dataclass(frozen=True)
class Instances:
    """The file, checked.

    Attributes:
        images: id -> image.
        categories: id -> name.
        annotations: id -> annotation as it is written.
        digest: of the file, SHA-256.
    """

    images: Mapping[int, CocoImage]
    categories: Mapping[int, str]
    annotations: Mapping[int, Mapping[str, Any]]
    digest: bytes

    @classmethod
    def load(
        cls, path: Path, wanted: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> Instances:
        """Read the file.

        Args:
            path: of the file.
            wanted: which annotations are kept; None: all.

        Raises:
            BadSampleError: missing, no JSON, without one of its lists, or an id that two rows have.
        """
        content, digest = json_file(path, "COCO annotations")
        rows = {key: _rows(content, key, path) for key in ("images", "annotations", "categories")}
        kept = [row for row in rows["annotations"] if wanted is None or wanted(row)]
        return cls(
            {number: _image(row, path) for number, row in _by_id(rows["images"], path, "image")},
            {n: str(row.get("name", n)) for n, row in _by_id(rows["categories"], path, "category")},
            dict(_by_id(kept, path, "annotation")),
            digest,
        )

    def category(self, number: Any) -> str:
        """The name of a category, or its number where it has none."""
        known = self.categories.get(number) if isinstance(number, int) else None
        return str(number) if known is None else known


def json_file(path: Path, kind: str) -> tuple[Any, bytes]:
    """What a JSON file says, and its SHA-256.

    Raises:
        BadSampleError: missing, or no strict JSON in UTF-8.
    """
    try:
        data = path.read_bytes()
        return parse_json(data.decode("utf-8-sig")), hashlib.sha256(data).digest()
    except (OSError, ValueError) as error:
        raise BadSampleError(
            f"Cannot read the {kind} {shown_path(path)}: {unread(error)}. Get the file, or get it "
            "again."
        ) from error


def region_of(annotation: Mapping[str, Any]) -> Region:
    """Where an annotation's object is; its box is [x, y, width, height], as COCO writes it.

    Raises:
        BadSampleError: neither box nor mask, or one in another form.
        MissingExtraError: polygons, without pycocotools.
    """
    has_polygons(annotation.get("segmentation"))
    box = annotation.get("bbox")
    return Region(None if box is None else _corners(box), coco_mask(annotation.get("segmentation")))


def _corners(box: Any) -> Box:
    x, y, width, height = four_numbers(box)
    if width <= 0 or height <= 0:
        raise BadSampleError(
            f"The bbox {list(box)} has no area; COCO writes [x, y, width, height]."
        )
    return x, y, x + width, y + height


def _rows(content: Any, key: str, path: Path) -> list[Mapping[str, Any]]:
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadSampleError(
            f"{path} has no list {key!r} of objects, so it holds no instances of COCO."
        )
    return rows


def _by_id(
    rows: list[Mapping[str, Any]], path: Path, kind: str
) -> list[tuple[int, Mapping[str, Any]]]:
    pairs: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        number = row.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            raise BadSampleError(f"An {kind} of {path} has the id {number!r}, not a whole number.")
        if number in pairs:
            raise BadSampleError(
                f"{path} holds two rows with the {kind} id {number}. Which of them is meant cannot "
                "be told: give each its own."
            )
        pairs[number] = row
    return list(pairs.items())


def _image(row: Mapping[str, Any], path: Path) -> CocoImage:
    name = row.get("file_name")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise BadSampleError(f"An image of {path} has the file_name {name!r}.")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadSampleError(f"The file name {name!r} of {path} leads out of the folder.")
    sides = row.get("height"), row.get("width")
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    return CocoImage(name, (int(sides[0]), int(sides[1])) if whole else None)  # type: ignore[arg-type]
