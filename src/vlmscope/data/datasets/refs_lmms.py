"""Refs in Parquet with their images inside, as ``lmms-lab/RefCOCO`` and its kin have them.

A row is a ref. Its mask is not read: ``segmentation`` is one flat list, in which an object of several
polygons cannot be told from one; it still shows how boxes are written.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlmscope.data.box_forms import BoxForm, form_by_truth, four_numbers, to_corners
from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.image_folders import coco_file_name
from vlmscope.data.datasets.referring import Listing, Picture, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["LMMS_PREFIX", "lmms_listing"]

LMMS_PREFIX = "lmms-"
"""Before the name of a split: what lmms-lab calls so, which may be another than the real one."""

_LISTED = ("question_id", "answer", "segmentation", "bbox", "file_name")


def lmms_listing(name: str, root: Path, split: str, columns: Mapping[str, str]) -> Listing:
    """One split. Every row is an object of its own: two rows may be of one object, as Google's are.

    Args:
        name: of the set.
        root: its folder, or one file.
        split: its name, perhaps with :data:`LMMS_PREFIX`.
        columns: a name that is expected -> the name that the files have.

    Raises:
        BadSampleError: no such split, other columns, or boxes that fit no form.
    """
    files = shards(root, split.removeprefix(LMMS_PREFIX))
    rows = ParquetRows(files, (*_LISTED, "image"), columns)
    refs = _Refs(hashlib.sha256())
    for place, row in rows.scan(_LISTED):
        refs.content.update(repr(sorted(row.items())).encode())
        try:
            refs.add(place, row)
        except BadSampleError as error:
            refs.problems.append(Skipped(f"row {row['question_id']}", str(error)))
    form, form_text = form_by_truth(f"{name} {split}", refs.boxes)
    return Listing(
        f"{name} {split}",
        [
            Picture(
                file_name,
                partial(_open, rows, members[0].place, file_name),
                tuple(sentence for each in members for sentence in each.sentences(form)),
            )
            for file_name, members in refs.images.items()
        ],
        refs.content.digest(),
        tuple(refs.problems),
        protocol={
            "source": f"{len(files)} Parquet files with images",
            "boxes": form_text,
            "masks": "none: the column segmentation runs the polygons of an object together",
        },
    )


class _Ref(NamedTuple):
    """A row: its number, place, box as it is written, and what is said of it."""

    id: str
    place: Place
    box: tuple[float, float, float, float]
    texts: Sequence[Any]

    def sentences(self, form: BoxForm) -> list[Sentence]:
        region = Region(to_corners(self.box, form))
        return [
            Sentence(f"{self.id}/{place}", text, (region,), self.id)
            for place, text in enumerate(self.texts)
        ]


@dataclass
class _Refs:
    """What the rows of a split hold.

    Attributes:
        content: changes with every row.
        images: file -> its rows.
        boxes: as a row writes it, beside the box around its outline.
        problems: rows that cannot be used.
        seen: whole rows without their pictures.
        numbers: how many rows have an id.
    """

    content: Any
    images: dict[str, list[_Ref]] = field(default_factory=dict)
    boxes: list[tuple[Sequence[float], Box]] = field(default_factory=list)
    problems: list[Skipped] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    numbers: Counter[str] = field(default_factory=Counter)

    def add(self, place: Place, row: Mapping[str, Any]) -> None:
        """One ref.

        Raises:
            BadSampleError: why it cannot be used.
        """
        text = repr(sorted(row.items()))
        if text in self.seen:
            raise BadSampleError("It occurs twice, with all it says; the first counts.")
        self.seen.add(text)
        box = four_numbers(row["bbox"])
        file_name = row["file_name"]
        if not isinstance(file_name, str) or not file_name.strip():
            raise BadSampleError(f"It names no file_name, got {file_name!r}.")
        number = str(row["question_id"])
        self.numbers[number] += 1
        if self.numbers[number] > 1:
            number = f"{number}~{self.numbers[number]}"
        texts = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
        self.images.setdefault(coco_file_name(file_name), []).append(
            _Ref(number, place, box, texts)
        )
        outline = _outline(row["segmentation"])
        if outline is not None:
            self.boxes.append((box, outline))


def _open(rows: ParquetRows, place: Place, name: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], name)


def _outline(numbers: Any) -> Box | None:
    """The box around a flat list of x and y."""
    if not isinstance(numbers, list) or len(numbers) < 6 or len(numbers) % 2:
        return None
    points = np.asarray(numbers, dtype=np.float64).reshape(-1, 2)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
