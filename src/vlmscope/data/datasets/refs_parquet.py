"""Refs in Parquet without images, as ``jxu124/refcoco`` and its kin have them: a row is a ref."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import form_by_truth, four_numbers
from vlmscope.data.coco_masks import coco_mask, has_polygons
from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.referring import Listing, Picture, Region, Sentence
from vlmscope.data.parquet_rows import ParquetRows, shards
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, parse_json
from vlmscope.types import Box

__all__ = ["is_parquet_of_refs", "refs_parquet_listing"]

_COLUMNS = ("ref_id", "image_id", "split", "sentences", "bbox", "raw_anns", "raw_image_info")
_OWN = ("raw_anns", "raw_image_info")  # other forms have neither
_FILES = {"val": ("validation",), "testA": ("test",)}
"""The real name of a split -> what its files are called there: test is testA."""


def is_parquet_of_refs(root: Path, columns: Mapping[str, str]) -> bool:
    """Whether Parquet files hold refs with their annotations, and no images in them.

    Args:
        root: their folder, or one of them.
        columns: a name that is expected -> the name that the files have.
    """
    files = [root] if is_file(root) else [*root.glob("data/*.parquet"), *root.glob("*.parquet")]
    own = {columns.get(name, name) for name in _OWN}
    return any(own & set(ParquetRows([path], ()).columns) for path in files)


def refs_parquet_listing(name: str, root: Path, split: str, columns: Mapping[str, str]) -> Listing:
    """One split.

    Args:
        name: of the set.
        root: its folder, or one file.
        split: its real name.
        columns: a name that is expected -> the name that the files have.

    Raises:
        BadSampleError: no such split, other columns, rows of another split, or boxes that do not
            agree with the annotations.
    """
    rows = ParquetRows(shards(root, split, _aliases(name, split)), _COLUMNS, columns)
    refs = _Refs(hashlib.sha256())
    for _, row in rows.scan(_COLUMNS):
        refs.content.update(repr(sorted(row.items())).encode())
        _check_split(row, split, name)
        try:
            refs.add(row)
        except BadSampleError as error:
            refs.problems.append(Skipped(f"ref {row['ref_id']}", str(error)))
    _check_some(f"{name} {split}", refs)
    _, form = form_by_truth(f"{name} {split}", refs.boxes)
    folder = root.parent if is_file(root) else root
    places = image_paths(folder, [file_name for file_name, _ in refs.images.values()])
    return Listing(
        f"{name} {split}",
        [
            Picture(number, places[file_name], tuple(refs.sentences[number]), size)
            for number, (file_name, size) in refs.images.items()
        ],
        refs.content.digest(),
        tuple(refs.problems),
        protocol={
            "source": f"{len(rows.files)} Parquet files without images",
            "boxes": f"xywh of raw_anns; the column bbox is {form}",
            "images": "COCO train2014",
        },
    )


@dataclass
class _Refs:
    """What the rows of a split hold.

    Attributes:
        content: changes with every row.
        images: id -> file and (height, width).
        sentences: id of an image -> what is said of it.
        boxes: as a row writes it, beside xyxy of its annotation.
        problems: rows that cannot be used.
        seen: ids of refs.
    """

    content: Any
    images: dict[str, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    sentences: dict[str, list[Sentence]] = field(default_factory=dict)
    boxes: list[tuple[Any, Box]] = field(default_factory=list)
    problems: list[Skipped] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, row: Mapping[str, Any]) -> None:
        """One ref.

        Raises:
            BadSampleError: why it cannot be used.
        """
        if str(row["ref_id"]) in self.seen:
            raise BadSampleError("Its id occurs twice; the first counts.")
        self.seen.add(str(row["ref_id"]))
        annotation, image = _json(row, "raw_anns"), _json(row, "raw_image_info")
        x, y, width, height = four_numbers(annotation.get("bbox"))
        box = (x, y, x + width, y + height)
        pair = (four_numbers(row["bbox"]), box)
        sentences = _sentences(row, box, annotation)
        number = str(row["image_id"])
        if number not in self.images:
            self.images[number] = _name_and_size(number, image)
        self.sentences.setdefault(number, []).extend(sentences)
        self.boxes.append(pair)


def _check_some(name: str, refs: _Refs) -> None:
    if not refs.images:
        first = f" The first: {refs.problems[0].reason}" if refs.problems else ""
        raise BadSampleError(f"{name} has no ref that can be used.{first}")


def _aliases(name: str, split: str) -> tuple[str, ...]:
    """``test`` is testA of RefCOCO and RefCOCO+, and the test of RefCOCOg."""
    return _FILES.get(split, ())


def _check_split(row: Mapping[str, Any], split: str, name: str) -> None:
    real = {"validation": "val", "test": "test" if name == "refcocog" else "testA"}
    written = str(row["split"])
    if real.get(written, written) != split:
        raise BadSampleError(
            f"A file of {name} {split} holds a ref of the split {written!r} (ref {row['ref_id']}): "
            "files of two splits are mixed. Keep those of one under its name."
        )


def _json(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(row[key], str):
        raise BadSampleError(f"Its {key} is no JSON, but {type(row[key]).__name__}.")
    try:
        value = parse_json(row[key])
    except ValueError as error:
        raise BadSampleError(f"Its {key} is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadSampleError(f"Its {key} is no JSON object.")
    return value


def _name_and_size(number: str, image: Mapping[str, Any]) -> tuple[str, tuple[int, int]]:
    name, sides = image.get("file_name"), (image.get("height"), image.get("width"))
    if not isinstance(name, str) or not all(isinstance(side, int) for side in sides):
        raise BadSampleError(
            f"raw_image_info of image {number} has no file_name, height and width."
        )
    return Path(name).name, (int(sides[0]), int(sides[1]))  # type: ignore[arg-type]


def _sentences(row: Mapping[str, Any], box: Box, annotation: Mapping[str, Any]) -> list[Sentence]:
    segmentation = annotation.get("segmentation")
    has_polygons(segmentation)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise BadSampleError(f"The bbox {annotation['bbox']} has no area.")
    region = Region(box, coco_mask(segmentation))
    tags = {"category": str(annotation["category_id"])} if "category_id" in annotation else {}
    rows = row["sentences"] or ()
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise BadSampleError("Its sentences are no list of objects with sent_id and sent.")
    number = str(row["ref_id"])
    return [
        Sentence(
            str(each.get("sent_id", f"{number}/{place}")),
            each.get("sent"),
            (region,),
            number,
            tags,
        )
        for place, each in enumerate(rows)
    ]
