"""COCO's JSON: masks as run lengths, one annotation per class and image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlmscope.errors import MissingExtraError
from vlmscope.results import Segmentation

__all__ = ["check_coco", "coco_annotations", "coco_document"]


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
    from pycocotools import mask as coco

    entries = []
    for index in sorted(segmentation.found):
        mask = segmentation.mask(index)
        lengths = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        entries.append(
            {
                "category_id": index + 1,
                "segmentation": {
                    "size": [int(side) for side in lengths["size"]],
                    "counts": lengths["counts"].decode("ascii"),
                },
                "area": int(mask.sum()),
                "bbox": [float(value) for value in coco.toBbox(lengths)],
                "iscrowd": 0,
                "score": float(segmentation.presence[index]),
            }
        )
    return entries


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
        "categories": [{"id": index, "name": name} for index, name in enumerate(names, start=1)],
    }
    for number, (file_name, (height, width), entries) in enumerate(images, start=1):
        document["images"].append(
            {"id": number, "file_name": file_name, "height": height, "width": width}
        )
        for entry in entries:
            identity = {"id": len(document["annotations"]) + 1, "image_id": number}
            document["annotations"].append({**identity, **entry})
    return document
