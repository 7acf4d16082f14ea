"""RefCOCO-M (``moondream/refcoco-m``): RefCOCO's val with masks that were drawn anew, in Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vlmscope.data.box_forms import BoxForm, form_by_truth, four_numbers, to_corners
from vlmscope.data.coco_masks import coco_mask
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.images import OpenedImage
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards
from vlmscope.errors import BadSampleError, quoted
from vlmscope.types import Box, tight_box

__all__ = ["RefcocoMKind"]

_LISTED = ("image_id", "samples")
_PUBLISHED = Expected({"images": 1_190, "objects": 2_080, "sentences": 5_598}, "masks")
_FIELDS = ("id", "category", "sentences", "bbox", "mask")
_MOST_PIXELS = 200_000_000
_CHECKED = 200  # objects whose boxes are held against their masks


class RefcocoMKind:
    """Opens its Parquet files."""

    id = "refcoco-m"
    summary = "RefCOCO-M: Parquet with images inside (1,190 images, 2,080 masks, 5,598 sentences)"
    splits: tuple[str, ...] = ("val",)
    parts: tuple[Part, ...] = (
        Part(
            ("data/*validation*.parquet", "*validation*.parquet"),
            "the Parquet files of moondream/refcoco-m",
            "download the data set moondream/refcoco-m (MIT, 610 MB) from the hub; keep data/",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "validation-*.parquet or data/validation-*.parquet"))
        split = source.split or "val"
        rows = ParquetRows(
            shards(root, split, ("validation",) if split == "val" else ()),
            (*_LISTED, "image"),
            source.columns,
        )
        published = _PUBLISHED if split == "val" else Expected(word="masks")
        expected = expected_counts(root, split, published)
        return ReferringSet(self.id, _listing(f"{self.id} {split}", rows), expected, source.partial)


def _listing(name: str, rows: ParquetRows) -> Listing:
    content = hashlib.sha256()
    images: dict[str, tuple[Place, list[dict[str, Any]]]] = {}
    problems: list[Skipped] = []
    for place, row in rows.scan(_LISTED):
        content.update(repr(row).encode())
        number = str(row["image_id"])
        if number in images:
            problems.append(Skipped(f"image {number}", "It has two rows; the first counts."))
        else:
            images[number] = place, _samples(row, rows.files[place.file])
    form, found = form_by_truth(name, _boxes(images))
    pictures = [
        Picture(
            number,
            partial(_open, rows, place, number),
            tuple(_sentences(samples, form, problems)),
        )
        for number, (place, samples) in images.items()
    ]
    categories = sorted({str(s["category"]) for _, samples in images.values() for s in samples})
    protocol = {
        "source": f"{len(rows.files)} Parquet files with images",
        "boxes": found,
        "subset": "47% of the masks of RefCOCO val were left out by its makers: compare with figures "
        "on the same subset only",
    }
    return Listing(name, pictures, content.digest(), tuple(problems), categories, protocol)


def _samples(row: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """Raises BadSampleError for a column of another make, which all rows of a file share."""
    samples = row["samples"] or []
    if not isinstance(samples, list) or not all(isinstance(each, dict) for each in samples):
        raise BadSampleError(
            f"The column samples of {path} holds no lists of objects, got {repr(samples)[:60]}. It is "
            "another data set, or another version: get it again."
        )
    missing = sorted({key for each in samples for key in _FIELDS if key not in each})
    if missing:
        raise BadSampleError(
            f"The objects in the column samples of {path} have no {quoted(missing)}. They have: "
            f"{', '.join(samples[0])}. It is another version: get it again."
        )
    return samples


def _open(rows: ParquetRows, place: Place, number: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], f"image {number}")


def _boxes(images: Mapping[str, tuple[Place, list[dict[str, Any]]]]) -> list[tuple[Any, Box]]:
    """Some boxes as they are written, beside those of their masks."""
    pairs: list[tuple[Any, Box]] = []
    for _, samples in images.values():
        for sample in samples:
            if len(pairs) == _CHECKED:
                return pairs
            try:
                box = _mask_box(sample["mask"])
                written = four_numbers(sample["bbox"])
            except BadSampleError:  # told of where the object is listed, or when it is drawn
                continue
            if box is not None:
                pairs.append((written, box))
    return pairs


def _mask_box(mask: Any) -> Box | None:
    draw = coco_mask(mask)
    if draw is None or not isinstance(mask, dict):
        return None
    size = mask["size"]
    if not isinstance(size, list) or [type(side) for side in size] != [int, int]:
        raise BadSampleError(f"The size of a mask is [height, width], got {size!r}.")
    if size[0] * size[1] > _MOST_PIXELS:
        raise BadSampleError(
            f"The mask is of {size[0]} x {size[1]} pixels, more than any photograph."
        )
    return tight_box(draw((size[0], size[1])))


def _sentences(
    samples: Sequence[Mapping[str, Any]], form: BoxForm, problems: list[Skipped]
) -> list[Sentence]:
    sentences = []
    for sample in samples:
        number = str(sample["id"])
        try:
            box = to_corners(four_numbers(sample["bbox"]), form)
            region = Region(box, coco_mask(sample["mask"]))
        except BadSampleError as error:
            problems.append(Skipped(f"mask {number}", str(error)))
            continue
        tags = {"category": str(sample["category"])}
        sentences += [
            Sentence(f"{number}/{place}", text, (region,), number, tags)
            for place, text in enumerate(sample["sentences"] or ())
        ]
    return sentences
