"""Refs in Parquet with their images inside, as ``lmms-lab/RefCOCO`` and its kin have them.

A row is a ref. Its mask is not read: ``segmentation`` is one flat list, in which an object of several
polygons cannot be told from one; it still shows how boxes are written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.data.box_forms import form_by_truth, four_numbers, to_corners
from vlmscope.data.datasets.image_folders import coco_file_name
from vlmscope.data.datasets.referring import Listing, Picture, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards
from vlmscope.types import Box

__all__ = ["LMMS_PREFIX", "lmms_listing"]

LMMS_PREFIX = "lmms-"
"""Before the name of a split: what lmms-lab calls so, which may be another than the real one."""

_LISTED = ("question_id", "answer", "segmentation", "bbox", "file_name")


def lmms_listing(name: str, folder: Path, split: str, columns: Mapping[str, str]) -> Listing:
    """One split.

    Raises:
        BadSampleError: no such split, other columns, or boxes that fit no form.
    """
    files = shards(folder, split.removeprefix(LMMS_PREFIX))
    rows = ParquetRows(files, (*_LISTED, "image"), columns)
    content, pairs = hashlib.sha256(), list[tuple[Sequence[float], Box]]()
    refs: dict[str, list[tuple[Place, dict[str, Any]]]] = {}
    for place, row in rows.scan(_LISTED):
        content.update(repr(sorted(row.items())).encode())
        outline = _outline(row["segmentation"])
        if outline is not None:
            pairs.append((four_numbers(row["bbox"]), outline))
        refs.setdefault(coco_file_name(str(row["file_name"])), []).append((place, row))
    form, found = form_by_truth(f"{name} {split}", pairs)

    def sentences(row: Mapping[str, Any]) -> list[Sentence]:
        region = Region(to_corners(four_numbers(row["bbox"]), form))
        number = str(row["question_id"])
        answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
        return [
            Sentence(f"{number}/{place}", str(text), (region,), number)
            for place, text in enumerate(answers)
        ]

    return Listing(
        f"{name} {split}",
        [
            Picture(
                file_name,
                partial(_open, rows, members[0][0], file_name),
                tuple(each for _, row in members for each in sentences(row)),
            )
            for file_name, members in refs.items()
        ],
        content.digest(),
        protocol={
            "source": f"{len(files)} Parquet files with images",
            "boxes": found,
            "masks": "none: the column segmentation runs the polygons of an object together",
        },
    )


def _open(rows: ParquetRows, place: Place, name: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], name)


def _outline(numbers: Any) -> Box | None:
    """The box around a flat list of x and y."""
    if not isinstance(numbers, list) or len(numbers) < 6 or len(numbers) % 2:
        return None
    points = np.asarray(numbers, dtype=np.float64).reshape(-1, 2)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
