"""Objects as predictions of Label Studio: coordinates in percent of the image's sides, from 0 to 100."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError
from vlmscope.post.polygons import mask_polygons
from vlmscope.types import Box

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding

__all__ = ["BOX", "IMAGE", "POLYGON", "Region", "prediction", "to_label_studio"]

BOX, POLYGON, IMAGE = "box", "polygon", "image"
"""Names of the tags in the labelling interface."""


@dataclass(frozen=True)
class Region:
    """What is drawn of one object.

    Attributes:
        phrase: its label.
        box: xyxy float pixels, within the image.
        score: None: not known.
        mask: bool (height, width), drawn as polygons in place of the box; None: the box.
    """

    phrase: str
    box: Box
    score: float | None = None
    mask: NDArray[np.bool_] | None = field(repr=False, default=None)


def to_label_studio(
    groundings: Grounding | Sequence[Grounding], image: str, *, masks: bool = True
) -> dict[str, Any]:
    """Groundings of one image as a task of Label Studio, to be imported as JSON (a list of tasks).

    The project's labelling interface has an ``Image`` named ``image`` of the value ``$image``, and for it
    ``RectangleLabels`` named ``box`` and ``PolygonLabels`` named ``polygon``.

    Args:
        groundings: of one phrase or of several in the same image.
        image: its address as Label Studio reaches it, such as ``/data/local-files/?d=photo.jpg``.
        masks: outlines as polygons; else boxes.

    Raises:
        BadOptionError: no grounding, or groundings of images of different sizes.
    """
    each = list(groundings) if isinstance(groundings, Sequence) else [groundings]
    sizes = sorted({one.image_size for one in each})
    if len(sizes) != 1:
        raise BadOptionError(
            f"A task is about one image; got {len(each)} groundings of images of (height, width) {sizes}. "
            "Give one or more groundings of the same image."
        )
    regions = [
        Region(
            one.phrase,
            _inside(thing.box, sizes[0]),
            float(thing.score),
            thing.mask if masks else None,
        )
        for one in each
        for thing in one.instances
    ]
    models = ", ".join(dict.fromkeys(one.model for one in each))
    return {"data": {IMAGE: image}, "predictions": [prediction(regions, sizes[0], models, "1")]}


def _inside(box: Box, size: tuple[int, int]) -> Box:
    (x0, y0, x1, y1), (height, width) = box, size
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))


def prediction(
    regions: Sequence[Region], size: tuple[int, int], model: str, number: str
) -> dict[str, Any]:
    """One prediction.

    Args:
        regions: of one image.
        size: (height, width) of the image.
        model: its ``model_version``.
        number: with which ids of regions begin, so that no two tasks share one.
    """
    drawn = [
        {"id": f"{number}-{index}", **each}
        for index, each in enumerate(_drawn(regions, size), start=1)
    ]
    made: dict[str, Any] = {"model_version": model, "result": drawn}
    scores = [each.score for each in regions if each.score is not None]
    if scores:  # tasks are sorted by it
        made["score"] = float(np.mean(scores))
    return made


def _drawn(regions: Sequence[Region], size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    height, width = size
    for each in regions:
        polygons = [] if each.mask is None else _polygons(each.mask, size)
        shapes = [(POLYGON, {"points": points, "closed": True}) for points in polygons]
        for name, shape in shapes or [(BOX, _rectangle(each.box, size))]:
            kind = "polygonlabels" if name == POLYGON else "rectanglelabels"
            region = {
                "type": kind,
                "from_name": name,
                "to_name": IMAGE,
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {**shape, kind: [each.phrase]},
            }
            yield region if each.score is None else {**region, "score": each.score}


def _polygons(mask: NDArray[np.bool_], size: tuple[int, int]) -> list[Any]:
    """Corners in percent, one list a part of the mask."""
    height, width = size
    sides = np.array([width, height])
    return [(ring / sides * 100).tolist() for ring in mask_polygons(mask)]


def _rectangle(box: Box, size: tuple[int, int]) -> dict[str, float]:
    (x0, y0, x1, y1), (height, width) = box, size
    return {
        "x": x0 / width * 100,
        "y": y0 / height * 100,
        "width": (x1 - x0) / width * 100,
        "height": (y1 - y0) / height * 100,
        "rotation": 0,
    }
