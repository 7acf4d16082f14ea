"""GroundingME (``lirang04/GroundingME``): one box for a description, or a rejection; in Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import form_by_sizes, four_numbers
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards

__all__ = ["GroundingMeKind"]

_LISTED = ("id", "description", "bbox", "subtask_l1", "subtask_l2", "height", "width")
_REJECTION = "Rejection"
_NOTHING = (0.0, 0.0, 0.0, 0.0)


class GroundingMeKind:
    """Opens its Parquet files."""

    id = "groundingme"
    summary = "GroundingME: Parquet with images inside; one box, or a rejection where nothing fits"
    splits: tuple[str, ...] = ("test",)
    parts: tuple[Part, ...] = (
        Part(
            ("data/*test*.parquet", "*test*.parquet"),
            "the Parquet files of lirang04/GroundingME",
            "download the data set lirang04/GroundingME from the hub; keep data/",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "test-*.parquet or data/test-*.parquet"))
        split = source.split or "test"
        rows = ParquetRows(shards(root, split), (*_LISTED, "image"), source.columns)
        expected = expected_counts(root, split, Expected())
        return ReferringSet(self.id, _listing(f"{self.id} {split}", rows), expected, source.partial)


def _listing(name: str, rows: ParquetRows) -> Listing:
    content = hashlib.sha256()
    boxes: list[tuple[Any, tuple[int, int]]] = []
    pictures: dict[str, Picture] = {}
    problems: list[Skipped] = []
    for place, row in rows.scan(_LISTED):
        content.update(repr(row).encode())
        number, size = str(row["id"]), (int(row["height"]), int(row["width"]))
        box = _box(row)
        if box is not None:
            boxes.append((box, size))
        if number in pictures:
            problems.append(Skipped(f"row {number}", "Its id occurs twice; the first counts."))
            continue
        opened = partial(_open, rows, place, number)
        pictures[number] = Picture(number, opened, (_sentence(row, number, box),), size)
    protocol = {
        "source": f"{len(rows.files)} Parquet files with images",
        "boxes": form_by_sizes(name, "xyxy", boxes),
        "absent": "rows of the subtask Rejection, whose box is [0, 0, 0, 0]",
    }
    return Listing(
        name, list(pictures.values()), content.digest(), tuple(problems), protocol=protocol
    )


def _box(row: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """None for a rejection."""
    if row["subtask_l1"] == _REJECTION or row["bbox"] is None:
        return None
    box = four_numbers(row["bbox"])
    return None if box == _NOTHING else box


def _sentence(row: Mapping[str, Any], number: str, box: Any) -> Sentence:
    tags = {key: str(row[key]) for key in ("subtask_l1", "subtask_l2") if row[key] is not None}
    regions = () if box is None else (Region(box),)
    return Sentence(number, str(row["description"]), regions, number, tags)


def _open(rows: ParquetRows, place: Place, number: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], f"image of row {number}")
