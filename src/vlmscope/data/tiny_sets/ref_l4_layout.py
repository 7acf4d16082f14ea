"""Scenes as Ref-L4 has its images: a row per sentence in Parquet, and a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.parquet_files import write_parquet
from vlmscope.data.tiny_sets.scenes import said_of, scenes_of
from vlmscope.io import atomic_path
from vlmscope.tiny import Scene
from vlmscope.tiny.world.words import SHAPES

__all__ = ["write_ref_l4"]

_SPLITS = ("val", "test")


def write_ref_l4(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``ref-l4-val.parquet``, ``ref-l4-test.parquet`` and ``images/``; what each holds."""
    counts, number = {}, 0
    for split in _SPLITS:
        rows: list[dict[str, Any]] = []
        for place, scene in enumerate(scenes_of(split, images)):
            name = f"scenes/{split}_{place:04d}.png"
            with atomic_path(folder / "images" / name) as path:
                Image.fromarray(scene.image).save(path, "PNG")
            rows += _rows(scene, name, number + len(rows))
        number += len(rows)
        write_parquet(folder / f"ref-l4-{split}.parquet", _columns, rows)
        # the annotations name no object's id, so every sentence counts as one
        counts[split] = Counts(len({row["file_name"] for row in rows}), len(rows), len(rows))
    whole = Counts(*(sum(numbers) for numbers in zip(*counts.values(), strict=True)))
    return {**counts, "all": whole}


def _rows(scene: Scene, name: str, first: int) -> Iterator[dict[str, Any]]:
    height, width = scene.size
    pairs = [(text, said.objects[0]) for said in said_of(scene) for text in said.texts]
    for place, (text, index) in enumerate(pairs):
        item = scene.objects[index]
        x0, y0, x1, y1 = item.box
        yield {
            "id": first + place,
            "caption": text,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "ori_category_id": f"o365_{SHAPES.index(item.shape) + 1}",
            "file_name": name,
            "height": height,
            "width": width,
        }


def _columns(arrow: Any) -> Any:
    text, whole = arrow.string(), arrow.int64()
    return arrow.schema(
        [
            *((name, whole) for name in ("id", "height", "width")),
            *((name, text) for name in ("caption", "ori_category_id", "file_name")),
            ("bbox", arrow.list_(arrow.float64())),
        ]
    )
