"""YOLO's segmentation text, ``class x y x y ...`` normalised: a line per connected part or instance."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.holes import Ring, join_holes
from vlmscope.post.polygons import mask_polygons
from vlmscope.results import Grounding, Segmentation
from vlmscope.types import Box

__all__ = ["box_line", "instance_lines", "object_line", "yolo_data", "yolo_lines"]


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
    return [
        object_line(index, instance.box, instance.mask, *grounding.image_size, tolerance)
        for index, grounding in enumerate(groundings)
        for instance in grounding.instances
    ]


def object_line(
    index: int,
    box: Box,
    mask: NDArray[np.bool_] | None,
    height: int,
    width: int,
    tolerance: float = 0.75,
) -> str:
    """The line of one object as one polygon: that of its mask, or of its box where it has none.

    Args:
        index: of its class.
        box: xyxy, float pixels, inside the image.
        mask: bool (height, width).
        height: of the image, in pixels.
        width: likewise.
        tolerance: how far in pixels the polygon may be off the mask's exact outline.
    """
    if mask is None or not mask.any():
        x0, y0, x1, y1 = box
        return _line(index, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), height, width)
    return _line(index, join_holes(mask_polygons(mask, tolerance)), height, width)


def box_line(index: int, box: Box, height: int, width: int) -> str:
    """The line of one object as a box: centre x, centre y, width, height.

    Args:
        index: of its class.
        box: xyxy, float pixels, inside the image.
        height: of the image, in pixels.
        width: likewise.
    """
    x0, y0, x1, y1 = box
    return _line(
        index, np.array([((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0)]), height, width
    )


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
