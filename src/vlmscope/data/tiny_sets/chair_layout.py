"""Scenes as CHAIR reads COCO: instances by shape, captions, and the pictures.

A scene has one caption; of every second object it says what is there, so that captions and outlines
are both needed to know the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_json, write_text
from vlmscope.tiny.world.words import SHAPES

__all__ = ["write_chair"]

_SPLIT = "val2014"
_QUESTION = "describe the picture\n"  # what the embedded model was taught


def write_chair(folder: Path, images: int) -> Mapping[str, Counts]:
    """Write instances, captions, the question and the pictures; what they hold."""
    rows: list[dict[str, Any]] = []
    outlines: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    shown = 0
    for number, scene in enumerate(scenes_of("val", images), start=1):
        name = f"{number:012d}.png"
        with atomic_path(folder / "val2014" / name) as place:
            Image.fromarray(scene.image).save(place, "PNG")
        height, width = scene.size
        rows.append({"id": number, "file_name": name, "height": height, "width": width})
        for item in scene.objects:
            x0, y0, x1, y1 = map(int, item.box)
            outlines.append(
                {
                    "id": len(outlines) + 1,
                    "image_id": number,
                    "category_id": SHAPES.index(item.shape) + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "iscrowd": 0,
                }
            )
        said = " and ".join(f"a {item.colour} {item.shape}" for item in scene.objects[::2])
        captions.append({"id": number, "image_id": number, "caption": said})
        shown += len({item.shape for item in scene.objects})
    categories = [{"id": n, "name": name} for n, name in enumerate(SHAPES, start=1)]
    annotations = folder / "annotations"
    whole = {"images": rows, "annotations": outlines, "categories": categories}
    write_json(annotations / f"instances_{_SPLIT}.json", whole)
    write_json(annotations / f"captions_{_SPLIT}.json", {"images": rows, "annotations": captions})
    write_text(folder / "question.txt", _QUESTION)
    return {_SPLIT: Counts(len(rows), shown, len(rows))}
