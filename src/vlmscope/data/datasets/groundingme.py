"""GroundingME (``lirang04/GroundingME``): one box for a description, or a rejection; in Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vlmscope.data.box_forms import check_fits, form_by_sizes, four_numbers
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards, stated_size
from vlmscope.errors import BadSampleError

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


class _Row(NamedTuple):
    """A row as it is written; its box is corners, or None for a rejection."""

    place: Place
    id: str
    text: Any
    box: tuple[float, float, float, float] | None
    size: tuple[int, int]
    tags: Mapping[str, str]

    def sentence(self) -> Sentence:
        if self.box is not None:
            check_fits(self.box, "xyxy", self.size)
        regions = () if self.box is None else (Region(self.box),)
        return Sentence(self.id, self.text, regions, self.id, self.tags)


def _listing(name: str, rows: ParquetRows) -> Listing:
    content = hashlib.sha256()
    listed: dict[str, _Row] = {}
    problems: list[Skipped] = []
    for place, row in rows.scan(_LISTED):
        content.update(repr(row).encode())
        number = str(row["id"])
        try:
            if number in listed:
                raise BadSampleError("Its id occurs twice; the first counts.")
            listed[number] = _row(place, row)
        except BadSampleError as error:
            problems.append(Skipped(f"row {number}", str(error)))
    boxes = [(row.box, row.size) for row in listed.values() if row.box is not None]
    form = form_by_sizes(name, "xyxy", boxes)
    pictures = []
    for number, each in listed.items():
        try:
            opened = partial(_open, rows, each.place, number)
            pictures.append(Picture(number, opened, (each.sentence(),), each.size))
        except BadSampleError as error:
            problems.append(Skipped(f"row {number}", str(error)))
    protocol = {
        "source": f"{len(rows.files)} Parquet files with images",
        "boxes": form,
        "absent": "rows whose box is [0, 0, 0, 0], which are those of the subtask Rejection",
    }
    return Listing(name, pictures, content.digest(), tuple(problems), protocol=protocol)


def _row(place: Place, row: Mapping[str, Any]) -> _Row:
    tags = {key: str(row[key]) for key in ("subtask_l1", "subtask_l2") if row[key] is not None}
    box, size = _box(row), stated_size(row)
    return _Row(place, str(row["id"]), row["description"], box, size, tags)


def _box(row: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """None for a rejection."""
    rejected = row["subtask_l1"] == _REJECTION
    if rejected and row["bbox"] is None:
        return None
    box = four_numbers(row["bbox"])
    if box == _NOTHING:
        return None
    if rejected:
        raise BadSampleError(
            f"It is of the subtask {_REJECTION}, but has the box {list(box)}, where [0, 0, 0, 0] belongs."
        )
    return box


def _open(rows: ParquetRows, place: Place, number: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], f"image of row {number}")
