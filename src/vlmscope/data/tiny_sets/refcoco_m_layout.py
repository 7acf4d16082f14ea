"""Scenes as RefCOCO-M has its images: Parquet with pictures, run lengths and boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.parquet_files import picture_cell, picture_type, write_parquet
from vlmscope.data.tiny_sets.scenes import said_of, scenes_of
from vlmscope.tiny import Scene

__all__ = ["write_refcoco_m"]


def write_refcoco_m(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``data/validation-00000-of-00001.parquet``; what it holds."""
    held: list[Counts] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number, scene in enumerate(scenes_of("val", images), start=1):
            row = _row(number, scene)
            samples = row["samples"]
            held.append(
                Counts(bool(samples), len(samples), sum(len(s["sentences"]) for s in samples))
            )
            yield row

    write_parquet(folder / "data" / "validation-00000-of-00001.parquet", _schema, rows())
    return {"val": Counts(*(sum(numbers) for numbers in zip(*held, strict=True)))}


def _row(number: int, scene: Scene) -> dict[str, Any]:
    name = f"COCO_train2014_{number:012d}.jpg"
    return {
        "image": picture_cell(scene, name),
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
            ("image", picture_type(arrow)),
            ("image_id", whole),
            ("file_name", text),
            ("samples", arrow.list_(sample)),
        ]
    )
