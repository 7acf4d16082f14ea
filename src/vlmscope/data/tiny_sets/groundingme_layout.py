"""Scenes as GroundingME has its rows: Parquet with a picture, a description, and a box or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.parquet_files import picture_cell, picture_type, write_parquet
from vlmscope.data.tiny_sets.scenes import nothing_like, said_of, scenes_of
from vlmscope.tiny import Scene

__all__ = ["write_groundingme"]

_NOTHING = [0.0, 0.0, 0.0, 0.0]


def write_groundingme(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``data/test-00000-of-00001.parquet``; what it holds.

    Every row has its own picture, so there are as many images as descriptions.
    """
    written = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal written
        for scene in scenes_of("test", images):
            for row in _rows(scene):
                written += 1
                yield row

    write_parquet(folder / "data" / "test-00000-of-00001.parquet", _columns, rows())
    return {"test": Counts(written, written, written)}


def _rows(scene: Scene) -> Iterator[dict[str, Any]]:
    height, width = scene.size
    for place, said in enumerate([*said_of(scene), *nothing_like(scene)]):
        number = f"{scene.seed}_{place}"
        box = [float(side) for side in scene.objects[said.objects[0]].box] if said.objects else None
        yield {
            "id": number,
            "image": picture_cell(scene, f"{number}.png"),
            "description": said.texts[0],
            "bbox": box or _NOTHING,
            "subtask_l1": "Discriminative" if box else "Rejection",
            "subtask_l2": "Attribute",
            "height": height,
            "width": width,
        }


def _columns(arrow: Any) -> Any:
    text, whole = arrow.string(), arrow.int64()
    return arrow.schema(
        [
            *((name, text) for name in ("id", "description", "subtask_l1", "subtask_l2")),
            *((name, whole) for name in ("height", "width")),
            ("image", picture_type(arrow)),
            ("bbox", arrow.list_(arrow.float64())),
        ]
    )
