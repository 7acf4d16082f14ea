"""Ref-L4 (``JierunChen/Ref-L4``): long sentences; annotations in Parquet, images in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import form_by_sizes, four_numbers, to_corners
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.ref_l4_categories import merged_category
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.parquet_rows import ParquetRows, shards
from vlmscope.errors import BadSampleError

__all__ = ["RefL4Kind"]

_COLUMNS = ("id", "caption", "bbox", "ori_category_id", "file_name", "height", "width")
_ALL = Expected({"sentences": 45_341}, "objects")
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
            ("images/*/*.jpg", "images/*.jpg", "images/*/*.png", "images/*.png", "coco/*.jpg"),
            "images/: what is in images.tar.gz",
            "unpack images.tar.gz, so that the file_name of a row is a path in images/",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "val and test Parquet files and images/"))
        split = source.split or "val"
        names = ("val", "test") if split == "all" else (split,)
        files = [path for name in names for path in shards(root, name)]
        listing = _listing(f"{self.id} {split}", root, ParquetRows(files, _COLUMNS, source.columns))
        published = _ALL if split == "all" else Expected()
        expected = expected_counts(root, split, published)
        return ReferringSet(self.id, listing, expected, source.partial)


def _listing(name: str, root: Path, rows: ParquetRows) -> Listing:
    content = hashlib.sha256()
    boxes: list[tuple[Any, tuple[int, int]]] = []
    images: dict[str, tuple[tuple[int, int], list[Sentence]]] = {}
    for _, row in rows.scan(_COLUMNS):
        content.update(repr(row).encode())
        file_name, size = str(row["file_name"]), _size(row)
        box = four_numbers(row["bbox"])
        boxes.append((box, size))
        number = str(row["id"])
        images.setdefault(file_name, (size, []))[1].append(
            Sentence(
                number,
                str(row["caption"]),
                (Region(to_corners(box, "xywh")),),
                number,
                {"category": merged_category(str(row["ori_category_id"]))},
            )
        )
    found = form_by_sizes(name, "xywh", boxes)
    places = image_paths(root, images, _FOLDERS)
    pictures = [
        Picture(file_name, places[file_name], tuple(sentences), size)
        for file_name, (size, sentences) in images.items()
    ]
    protocol = {
        "source": f"{len(rows.files)} Parquet files, images in a folder",
        "boxes": found,
        "categories": "those of RefCOCO under Objects365's numbers, where both have them",
        "object": "every sentence counts as one: the annotations name no object's id",
    }
    return Listing(name, pictures, content.digest(), protocol=protocol, tasks=("ref-l4",))


def _size(row: Mapping[str, Any]) -> tuple[int, int]:
    height, width = row["height"], row["width"]
    if not isinstance(height, int) or not isinstance(width, int):
        raise BadSampleError(
            f"Row {row['id']} of Ref-L4 has the size {height!r} x {width!r}, no whole numbers."
        )
    return height, width
