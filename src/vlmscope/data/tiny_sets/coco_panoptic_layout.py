"""Scenes as COCO has its panoptic annotations: ``panoptic.json``, ``panoptic/`` and ``images/``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_json
from vlmscope.tiny import Scene
from vlmscope.tiny.world.words import SHAPES

__all__ = ["write_coco_panoptic"]

_FIRST = 1_000  # segment ids begin here, so that more than one byte of a colour is used


def write_coco_panoptic(folder: Path, images: int) -> Mapping[str, Counts]:
    """Write the listing, a segment for each object, and the pictures; what they hold.

    The categories are the shapes. The background belongs to nobody.
    """
    rows: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, scene in enumerate(scenes_of("val", images), start=1):
        name = f"{number:012d}.png"
        with atomic_path(folder / "images" / name) as place:
            Image.fromarray(scene.image).save(place, "PNG")
        height, width = scene.size
        rows.append({"id": number, "file_name": name, "height": height, "width": width})
        segments = _write_segments(folder / "panoptic" / name, scene)
        annotations.append({"image_id": number, "file_name": name, "segments_info": segments})
    categories = [{"id": n, "name": name, "isthing": 1} for n, name in enumerate(SHAPES, start=1)]
    content = {"images": rows, "annotations": annotations, "categories": categories}
    write_json(folder / "panoptic.json", content)
    objects = sum(len(each["segments_info"]) for each in annotations)
    return {"all": Counts(len(rows), objects, 0)}


def _write_segments(path: Path, scene: Scene) -> list[dict[str, Any]]:
    """The picture of a scene's segments, R + 256 G + 65536 B; its rows of the listing."""
    ids = np.zeros(scene.size, dtype=np.int64)
    segments = []
    for number, item in enumerate(scene.objects, start=_FIRST):
        ids[item.mask] = number
        x0, y0, x1, y1 = map(int, item.box)
        segments.append(
            {
                "id": number,
                "category_id": SHAPES.index(item.shape) + 1,
                "area": int(item.mask.sum()),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "iscrowd": 0,
            }
        )
    colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)
    with atomic_path(path) as place:
        Image.fromarray(colours).save(place, "PNG")
    return segments
