"""Scenes as ``jxu124`` and ``lmms-lab`` have RefCOCO/+/g in Parquet: without and with their images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.parquet_files import picture_cell, picture_type, write_parquet
from vlmscope.data.tiny_sets.refcoco_layout import Flavour, RefSet
from vlmscope.types import tight_box

__all__ = ["with_images", "without_images"]

_FILES = {"val": "validation", "testA": "test"}
"""What jxu124 calls the file of a split; inside it has its real name."""

_QUESTION = "What is marked in this picture?"


def without_images(flavour: Flavour) -> Callable[[Path, int], dict[str, Counts]]:
    """What writes ``data/*.parquet`` as jxu124 has them, and ``train2014/``."""

    def write(folder: Path, images: int) -> dict[str, Counts]:
        collected = flavour.collected(folder, images)
        for split in flavour.splits:
            name = f"{_FILES.get(split, split)}-00000-of-00001.parquet"
            write_parquet(folder / "data" / name, _bare_columns, _bare_rows(collected, split))
        return collected.counts()

    return write


def with_images(flavour: Flavour) -> Callable[[Path, int], dict[str, Counts]]:
    """What writes ``data/*.parquet`` as lmms-lab has them; their val is the real one here."""

    def write(folder: Path, images: int) -> dict[str, Counts]:
        collected = flavour.collected(folder, images, photographs=False)
        counts = collected.counts()
        del counts["train"]
        for split in counts:
            path = folder / "data" / f"{split}-00000-of-00001.parquet"
            write_parquet(path, _full_columns, _full_rows(collected, split))
        return counts

    return write


def _bare_rows(collected: RefSet, split: str) -> Iterator[dict[str, Any]]:
    images = {row["id"]: row for row in collected.images}
    annotations = {row["id"]: row for row in collected.annotations}
    for ref in (ref for ref in collected.refs if ref["split"] == split):
        annotation = annotations[ref["ann_id"]]
        x, y, width, height = annotation["bbox"]
        yield {
            **{key: ref[key] for key in ("ref_id", "ann_id", "image_id", "split", "sentences")},
            "file_name": ref["file_name"],
            "bbox": [x, y, x + width, y + height],
            "raw_anns": json.dumps(annotation),
            "raw_image_info": json.dumps(images[ref["image_id"]]),
        }


def _full_rows(collected: RefSet, split: str) -> Iterator[dict[str, Any]]:
    first = {row["image_id"]: row["id"] for row in reversed(collected.annotations)}
    for ref in (ref for ref in collected.refs if ref["split"] == split):
        scene = collected.scenes[ref["image_id"]]
        item = scene.objects[ref["ann_id"] - first[ref["image_id"]]]
        x0, y0, x1, y1 = tight_box(item.mask) or item.box
        yield {
            "question_id": str(ref["ann_id"]),
            "image": picture_cell(scene, ref["file_name"]),
            "question": _QUESTION,
            "answer": [row["sent"] for row in ref["sentences"]],
            "segmentation": [x0, y0, x1, y0, x1, y1, x0, y1],
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "iscrowd": 0,
            "file_name": ref["file_name"],
        }


def _bare_columns(arrow: Any) -> Any:
    text, whole = arrow.string(), arrow.int64()
    sentence = [("raw", text), ("sent", text), ("sent_id", whole), ("tokens", arrow.list_(text))]
    return arrow.schema(
        [
            *((name, whole) for name in ("ref_id", "ann_id", "image_id")),
            *((name, text) for name in ("split", "file_name", "raw_anns", "raw_image_info")),
            ("sentences", arrow.list_(arrow.struct(sentence))),
            ("bbox", arrow.list_(arrow.float64())),
        ]
    )


def _full_columns(arrow: Any) -> Any:
    text, numbers = arrow.string(), arrow.list_(arrow.float64())
    return arrow.schema(
        [
            ("question_id", text),
            ("image", picture_type(arrow)),
            ("question", text),
            ("answer", arrow.list_(text)),
            ("segmentation", numbers),
            ("bbox", numbers),
            ("iscrowd", arrow.int64()),
            ("file_name", text),
        ]
    )
