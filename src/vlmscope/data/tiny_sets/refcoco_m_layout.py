"""Scenes as RefCOCO-M has its images: Parquet with pictures, run lengths and boxes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import said_of, scenes_of
from vlmscope.errors import MissingExtraError
from vlmscope.io import atomic_path
from vlmscope.tiny import Scene

__all__ = ["write_refcoco_m"]

_ROWS = 16  # of a row group


def write_refcoco_m(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``data/validation-00000-of-00001.parquet``; what it holds."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Writing Parquet") from error
    used = objects = sentences = 0
    with atomic_path(folder / "data" / "validation-00000-of-00001.parquet") as place:
        schema = _schema(arrow)
        with parquet.ParquetWriter(place, schema) as writer:
            for rows in _groups(images):
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                used += sum(bool(row["samples"]) for row in rows)
                objects += sum(len(row["samples"]) for row in rows)
                sentences += sum(len(s["sentences"]) for row in rows for s in row["samples"])
    return {"val": Counts(used, objects, sentences)}


def _groups(images: int) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for number, scene in enumerate(scenes_of("val", images), start=1):
        rows.append(_row(number, scene))
        if len(rows) == _ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _row(number: int, scene: Scene) -> dict[str, Any]:
    picture = io.BytesIO()
    Image.fromarray(scene.image).save(picture, "PNG")
    name = f"COCO_train2014_{number:012d}.jpg"
    return {
        "image": {"bytes": picture.getvalue(), "path": name},
        "image_id": number,
        "file_name": name,
        "samples": [
            _sample(number, scene, said.objects[0], list(said.texts)) for said in said_of(scene)
        ],
    }


def _sample(number: int, scene: Scene, index: int, texts: list[str]) -> dict[str, Any]:
    item = scene.objects[index]
    x0, y0, x1, y1 = item.box
    return {
        "id": 100 * number + index,
        "image_id": number,
        "category": item.shape,
        "supercategory": "shape",
        "label": item.shape,
        "sentences": texts,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "mask": {"counts": lengths_text(lengths_of_mask(item.mask)), "size": list(scene.size)},
    }


def _schema(arrow: Any) -> Any:
    """The columns as the real set's card states them."""
    text, whole = arrow.string(), arrow.int64()
    sample = arrow.struct(
        [
            ("id", whole),
            ("image_id", whole),
            ("category", text),
            ("supercategory", text),
            ("label", text),
            ("sentences", arrow.list_(text)),
            ("bbox", arrow.list_(arrow.float32())),
            ("mask", arrow.struct([("counts", text), ("size", arrow.list_(arrow.int32()))])),
        ]
    )
    return arrow.schema(
        [
            ("image", arrow.struct([("bytes", arrow.binary()), ("path", text)])),
            ("image_id", whole),
            ("file_name", text),
            ("samples", arrow.list_(sample)),
        ]
    )
