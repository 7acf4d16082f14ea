"""YOLO's segmentation text, ``class x y x y ...`` normalised: a line per connected part or instance."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from vlmscope.export.holes import Ring, join_holes
from vlmscope.export.polygons import mask_polygons
from vlmscope.results import Grounding, Segmentation

__all__ = ["instance_lines", "yolo_data", "yolo_lines"]


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
            lines.append(_line(index, polygon, height, width))
    return lines


def instance_lines(groundings: Sequence[Grounding], tolerance: float = 0.75) -> list[str]:
    """The lines of the label file of one image's groundings: one per instance.

    The class is the place of the phrase. Parts of an instance that only touch at a corner are joined
    along a line.

    Args:
        groundings: of one image.
        tolerance: how far in pixels polygons may be off the exact outline.
    """
    lines = []
    for index, grounding in enumerate(groundings):
        for instance in grounding.instances:
            ring = join_holes(mask_polygons(instance.mask, tolerance))
            lines.append(_line(index, ring, *grounding.image_size))
    return lines


def _line(index: int, polygon: Ring, height: int, width: int) -> str:
    points = (polygon / np.array([width, height])).ravel()
    return f"{index} " + " ".join(f"{value:.6g}" for value in points)


def yolo_data(names: Sequence[str]) -> str:
    """The text of ``data.yaml``: the classes in order. JSON strings are YAML strings.

    Images are not copied: a first line says where training looks for them.
    """
    listed = "".join(
        f"  {index}: {json.dumps(name, ensure_ascii=False)}\n" for index, name in enumerate(names)
    )
    where = "# labels/a.txt goes with images/a.jpg: put or link your images into images/ beside labels/\n"
    return f"{where}path: .\ntrain: images\nval: images\nnames:\n{listed}"
