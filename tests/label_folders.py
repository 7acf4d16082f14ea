"""Folders of labels by hand: rows with a few values, parts, job.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.labels import FIELDS, FORMAT, LabelFolder
from vlmscope.labels.schema import arrow_schema

_BLANK: dict[str, Any] = {
    **{field.name: None for field in FIELDS},
    "warnings": [],
    "method": "gem",
    "model": "tiny-clip",
    "version": "0",
    "seconds": 0.5,
}


def row(name: str, phrase: str | None = "cat", **values: Any) -> dict[str, Any]:
    """A row of an image of 100 x 80 pixels; without a box nothing was found."""
    sized = {"width": 100, "height": 80, "instance": 0, "picture_hash": 0}
    return {**_BLANK, **sized, "id": name, "phrase": phrase, **values}


def thing(
    name: str, phrase: str = "cat", score: float | None = 0.5, **values: Any
) -> dict[str, Any]:
    """The row of an object."""
    return row(name, phrase, **{"box": [10.0, 20.0, 50.0, 60.0], "score": score, **values})


def failure(
    name: str, error: str = "BadImageError", message: str = "It is empty."
) -> dict[str, Any]:
    """The row of an image that could not be labelled."""
    nothing = {"width": None, "height": None, "instance": None, "picture_hash": None}
    return row(name, None, **nothing, error=error, message=message)


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """A mask (height, width) as a row has it."""
    return {"size": list(mask.shape), "counts": lengths_text(lengths_of_mask(mask))}


def write_folder(place: Path, *parts: Sequence[dict[str, Any]], **job: Any) -> LabelFolder:
    """A folder with so many parts, opened."""
    import pyarrow as arrow
    from pyarrow import parquet

    (place / "parts").mkdir(parents=True)
    (place / "job.json").write_text(json.dumps({"format": FORMAT, **job}))
    for number, rows in enumerate(parts):
        table = arrow.Table.from_pylist(list(rows), schema=arrow_schema())
        parquet.write_table(table, place / "parts" / f"{number}.parquet")
    return LabelFolder.open(place)


class ManyLabels(LabelFolder):
    """A folder of so many images with an object each, none of which is ever written down."""

    @classmethod
    def of(cls, count: int) -> ManyLabels:
        return cls(Path("nowhere"), {"count": count})

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        for number in range(self.job["count"]):
            yield thing(f"folder/{number:07d}.jpg", score=number / self.job["count"])


def write_pictures(folder: Path, *names: str, size: tuple[int, int] = (100, 80)) -> Path:
    """Pictures of (width, height) pixels under ids."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (40 * number % 256, 90, 160)).save(path)
    return folder
