"""Refs in Parquet without images, as ``jxu124/refcoco`` and its kin have them: a row is a ref."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import form_by_truth, four_numbers
from vlmscope.data.coco_masks import coco_mask, has_polygons
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.referring import Listing, Picture, Region, Sentence
from vlmscope.data.parquet_rows import ParquetRows, shards
from vlmscope.errors import BadSampleError
from vlmscope.io import parse_json
from vlmscope.types import Box

__all__ = ["is_parquet_of_refs", "refs_parquet_listing"]

_COLUMNS = ("ref_id", "image_id", "split", "sentences", "bbox", "raw_anns", "raw_image_info")
_FILES = {"val": ("validation",), "testA": ("test",)}
"""The real name of a split -> what its files are called there: test is testA."""


def is_parquet_of_refs(folder: Path) -> bool:
    """Whether a folder holds Parquet files of refs with their annotations, and no images in them."""
    files = sorted([*folder.glob("data/*.parquet"), *folder.glob("*.parquet")])
    return bool(files) and "raw_anns" in _columns(files[0])


def _columns(path: Path) -> list[str]:
    return ParquetRows([path], ()).columns


def refs_parquet_listing(
    name: str, folder: Path, split: str, columns: Mapping[str, str]
) -> Listing:
    """One split.

    Raises:
        BadSampleError: no such split, other columns, rows of another split, or boxes that do not
            agree with the annotations.
    """
    rows = ParquetRows(shards(folder, split, _aliases(name, split)), _COLUMNS, columns)
    content = hashlib.sha256()
    images: dict[str, tuple[str, tuple[int, int]]] = {}
    pairs: list[tuple[Any, Box]] = []
    waiting: dict[str, list[Sentence]] = {}
    for _, row in rows.scan(_COLUMNS):
        content.update(repr(sorted(row.items())).encode())
        _check_split(row, split, name)
        annotation, image = _json(row, "raw_anns"), _json(row, "raw_image_info")
        x, y, width, height = four_numbers(annotation.get("bbox"))
        box = (x, y, x + width, y + height)
        pairs.append((four_numbers(row["bbox"]), box))
        number = str(row["image_id"])
        if number not in images:
            images[number] = _name_and_size(number, image)
        waiting.setdefault(number, []).extend(_sentences(row, box, annotation))
    _, found = form_by_truth(f"{name} {split}", pairs)
    places = image_paths(folder, [file_name for file_name, _ in images.values()])
    return Listing(
        f"{name} {split}",
        [
            Picture(number, places[file_name], tuple(waiting[number]), size)
            for number, (file_name, size) in images.items()
        ],
        content.digest(),
        protocol={
            "source": f"{len(rows.files)} Parquet files without images",
            "boxes": f"xywh of raw_anns; the column bbox is {found}",
            "images": "COCO train2014",
        },
    )


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
    try:
        value = parse_json(row[key])
    except (TypeError, ValueError) as error:
        raise BadSampleError(f"{key} of ref {row['ref_id']} is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadSampleError(f"{key} of ref {row['ref_id']} is no JSON object.")
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
    region = Region(box, coco_mask(segmentation))
    tags = {"category": str(annotation["category_id"])} if "category_id" in annotation else {}
    return [
        Sentence(str(each["sent_id"]), str(each["sent"]), (region,), str(row["ref_id"]), tags)
        for each in row["sentences"] or ()
    ]
