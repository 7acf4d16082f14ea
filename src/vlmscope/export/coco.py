"""COCO's JSON: masks as run lengths, one annotation per class or per instance of a phrase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.coco_masks import lengths_of_text
from vlmscope.errors import MissingExtraError
from vlmscope.results import Grounding, Segmentation
from vlmscope.types import Box

__all__ = [
    "check_coco",
    "coco_annotations",
    "coco_categories",
    "coco_document",
    "coco_image",
    "instance_annotations",
    "object_annotation",
]


def check_coco() -> None:
    """Raise MissingExtraError unless pycocotools is installed."""
    try:
        import pycocotools.mask  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("pycocotools", "coco", "COCO export") from error


def coco_annotations(segmentation: Segmentation) -> list[dict[str, Any]]:
    """The annotations of one image, JSON values, without ids.

    ``category_id`` is the class's index + 1 (COCO counts from 1), ``bbox`` is (x, y, width, height)
    and ``score`` the class's presence. All parts of a class are one annotation.

    Raises:
        MissingExtraError: when pycocotools is not installed.
    """
    check_coco()
    return [
        _annotation(index, segmentation.mask(index), float(segmentation.presence[index]), None)
        for index in sorted(segmentation.found)
    ]


def instance_annotations(groundings: Sequence[Grounding]) -> list[dict[str, Any]]:
    """The annotations of one image's groundings, JSON values, without ids: one per instance.

    ``category_id`` is the place of the phrase + 1, ``bbox`` is (x, y, width, height) of the instance's
    box and ``score`` its score.

    Raises:
        MissingExtraError: when pycocotools is not installed.
    """
    check_coco()
    return [
        _annotation(index, instance.mask, instance.score, instance.box)
        for index, grounding in enumerate(groundings)
        for instance in grounding.instances
    ]


def _annotation(
    index: int, mask: NDArray[np.bool_], score: float, box: Box | None
) -> dict[str, Any]:
    """One annotation of the class of an index; without a box it is the mask's."""
    from pycocotools import mask as coco

    lengths = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    sides = coco.toBbox(lengths) if box is None else _sides(box)
    return {
        "category_id": index + 1,
        "segmentation": {
            "size": [int(side) for side in lengths["size"]],
            "counts": lengths["counts"].decode("ascii"),
        },
        "area": int(mask.sum()),
        "bbox": [float(value) for value in sides],
        "iscrowd": 0,
        "score": float(score),
    }


def object_annotation(
    index: int, box: Box, score: float | None, mask: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The annotation of an object whose mask is run lengths already; needs no pycocotools.

    Without a mask ``segmentation`` is empty, as COCO's readers take it, and the area is the box's.

    Args:
        index: of its class.
        box: xyxy, float pixels.
        score: None: not known.
        mask: ``size`` [height, width] and ``counts`` as text; None: no mask.

    Raises:
        BadSampleError: run lengths that are none.
    """
    x, y, width, height = _sides(box)
    area = width * height if mask is None else sum(lengths_of_text(mask["counts"])[1::2])
    annotation: dict[str, Any] = {
        "category_id": index + 1,
        "segmentation": [] if mask is None else dict(mask),
        "area": area,
        "bbox": [x, y, width, height],
        "iscrowd": 0,
    }
    return annotation if score is None else {**annotation, "score": score}


def _sides(box: Box) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0, y0, x1 - x0, y1 - y0


def coco_categories(names: Sequence[str]) -> list[dict[str, Any]]:
    """The classes; COCO counts from 1."""
    return [{"id": index, "name": name} for index, name in enumerate(names, start=1)]


def coco_image(number: int, name: str, size: tuple[int, int]) -> dict[str, Any]:
    """The entry of an image of (height, width) pixels."""
    height, width = size
    return {"id": number, "file_name": name, "height": height, "width": width}


def coco_document(
    names: Sequence[str],
    images: Sequence[tuple[str, tuple[int, int], Sequence[Mapping[str, Any]]]],
    description: str = "",
) -> dict[str, Any]:
    """A whole COCO file.

    Args:
        names: the classes.
        images: (file name, (height, width), annotations without ids) of each image.
        description: of the data, for people.
    """
    document: dict[str, Any] = {
        "info": {"description": description},
        "images": [],
        "annotations": [],
        "categories": coco_categories(names),
    }
    for number, (file_name, size, entries) in enumerate(images, start=1):
        document["images"].append(coco_image(number, file_name, size))
        for entry in entries:
            identity = {"id": len(document["annotations"]) + 1, "image_id": number}
            document["annotations"].append({**identity, **entry})
    return document
