"""Ref-L4 (``JierunChen/Ref-L4``): long sentences; Parquet, and images in a folder.

Copies that have their images in a column ``image`` need no folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vlmscope.data.box_forms import check_fits, form_by_sizes, four_numbers, to_corners
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.ref_l4_categories import merged_category
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards, stated_size
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file

__all__ = ["RefL4Kind"]

_COLUMNS = ("id", "caption", "bbox", "ori_category_id", "file_name", "height", "width")
_ALL = Expected({"sentences": 45_341}, "objects")
_IMAGE = "image"  # a column of copies that have their images inside
_FOLDERS = ("images", "")


class RefL4Kind:
    """Opens a folder of it."""

    id = "ref-l4"
    summary = "Ref-L4: val, test or all (45,341 long sentences); Parquet and a folder of images"
    splits: tuple[str, ...] = ("val", "test", "all")
    parts: tuple[Part, ...] = (
        Part(
            ("*val*.parquet", "data/*val*.parquet"),
            "the Parquet files of JierunChen/Ref-L4, val and test",
            "download the data set JierunChen/Ref-L4 (CC BY-NC) from the hub",
        ),
        Part(
            (
                *("images/*/*.jpg", "images/*.jpg", "images/*/*.png", "images/*.png", "coco/*.jpg"),
                *("data/*val*.parquet", "*val*.parquet"),
            ),
            "images/: what is in images.tar.gz (or a column image in the Parquet files)",
            "unpack images.tar.gz, so that the file_name of a row is a path in images/",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "val and test Parquet files and images/"))
        split = source.split or "val"
        names = ("val", "test") if split == "all" and not is_file(root) else (split,)
        files = [path for name in names for path in shards(root, name)]
        inside = source.columns.get(_IMAGE, _IMAGE) in ParquetRows(files, ()).columns
        rows = ParquetRows(files, (*_COLUMNS, _IMAGE) if inside else _COLUMNS, source.columns)
        listing = _listing(f"{self.id} {split}", root, rows, inside)
        published = _ALL if split == "all" else Expected()
        expected = expected_counts(root, split, published)
        return ReferringSet(self.id, listing, expected, source.partial)


class _Row(NamedTuple):
    """A row as it is written; its box is [x, y, width, height]."""

    place: Place
    id: str
    text: Any
    category: str
    box: tuple[float, float, float, float]
    size: tuple[int, int]

    def sentence(self) -> Sentence:
        check_fits(self.box, "xywh", self.size)
        region = Region(to_corners(self.box, "xywh"))
        return Sentence(self.id, self.text, (region,), self.id, {"category": self.category})


def _listing(name: str, root: Path, rows: ParquetRows, inside: bool) -> Listing:
    content = hashlib.sha256()
    problems: list[Skipped] = []
    images: dict[str, list[_Row]] = {}
    for place, row in rows.scan(_COLUMNS):
        content.update(repr(row).encode())
        try:
            read = _row(place, row)
            images.setdefault(_file_name(row), []).append(read)
        except BadSampleError as error:
            problems.append(Skipped(f"row {row['id']}", str(error)))
    form = form_by_sizes(name, "xywh", [(r.box, r.size) for each in images.values() for r in each])
    folder = root.parent if is_file(root) else root
    places: Mapping[str, Path] = {} if inside else image_paths(folder, images, _FOLDERS)
    pictures = []
    for file_name, members in images.items():
        source = places.get(file_name) or partial(_open, rows, members[0].place, file_name)
        sentences = tuple(_sentences(members, problems))
        pictures.append(Picture(file_name, source, sentences, members[0].size))
    protocol = {
        "source": f"{len(rows.files)} Parquet files, images {'inside' if inside else 'in a folder'}",
        "boxes": form,
        "categories": "those of RefCOCO under Objects365's numbers, where both have them",
        "object": "every sentence counts as one: the annotations name no object's id",
    }
    return Listing(
        name, pictures, content.digest(), tuple(problems), protocol=protocol, tasks=("ref-l4",)
    )


def _row(place: Place, row: Mapping[str, Any]) -> _Row:
    category = merged_category(str(row["ori_category_id"]))
    box, size = four_numbers(row["bbox"]), stated_size(row)
    return _Row(place, str(row["id"]), row["caption"], category, box, size)


def _sentences(rows: Sequence[_Row], problems: list[Skipped]) -> Iterator[Sentence]:
    for row in rows:
        try:
            yield row.sentence()
        except BadSampleError as error:
            problems.append(Skipped(f"row {row.id}", str(error)))


def _file_name(row: Mapping[str, Any]) -> str:
    name = row["file_name"]
    if not isinstance(name, str) or not name.strip():
        raise BadSampleError(f"It names no file_name, got {name!r}.")
    return name


def _open(rows: ParquetRows, place: Place, name: str) -> OpenedImage:
    return picture_of(rows.row(place, (_IMAGE,))[_IMAGE], name)
