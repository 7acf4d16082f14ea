"""YOLO's segmentation text: one line per connected part, ``class x y x y ...`` normalised."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from vlmscope.export.polygons import mask_polygons
from vlmscope.results import Segmentation

__all__ = ["yolo_data", "yolo_lines"]


def yolo_lines(segmentation: Segmentation, tolerance: float = 0.75) -> list[str]:
    """The lines of an image's label file; none when no class has pixels.

    Args:
        segmentation: what to write.
        tolerance: how far in pixels polygons may be off the exact outline.
    """
    height, width = segmentation.image_size
    lines = []
    for index in sorted(segmentation.found):
        for polygon in mask_polygons(segmentation.mask(index), tolerance):
            points = (polygon / np.array([width, height])).ravel()
            lines.append(f"{index} " + " ".join(f"{value:.6g}" for value in points))
    return lines


def yolo_data(names: Sequence[str]) -> str:
    """The text of ``data.yaml``: the classes in order. JSON strings are YAML strings.

    Images are not copied: a first line says where training looks for them.
    """
    listed = "".join(
        f"  {index}: {json.dumps(name, ensure_ascii=False)}\n" for index, name in enumerate(names)
    )
    where = "# labels/a.txt goes with images/a.jpg: put or link your images into images/ beside labels/\n"
    return f"{where}path: .\ntrain: images\nval: images\nnames:\n{listed}"
