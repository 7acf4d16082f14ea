"""Results as labels of FiftyOne: what one adds to a sample of a data set there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmscope.errors import BadOptionError, MissingExtraError
from vlmscope.types import BACKGROUND

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding
    from vlmscope.results.segmentation import Segmentation
    from vlmscope.types import Instance

__all__ = ["grounding_labels", "segmentation_labels", "to_fiftyone"]

_SMALL = 255  # values that a mask of bytes can hold


def to_fiftyone(results: Sequence[Grounding | Segmentation]) -> list[dict[str, Any]]:
    """Labels of FiftyOne for several results, in order, each a dictionary of fields of a sample.

    Args:
        results: Groundings and Segmentations.

    Raises:
        MissingExtraError: without fiftyone.
        BadOptionError: something else among them.
    """
    for each in results:
        if not hasattr(each, "to_fiftyone"):
            raise BadOptionError(
                "vs.to_fiftyone() takes a list of Groundings and Segmentations; got "
                f"{type(each).__name__} among them."
            )
    return [each.to_fiftyone() for each in results]


def grounding_labels(grounding: Grounding) -> dict[str, Any]:
    """Fields of a sample: ``detections``, ``points`` and ``heatmap`` of one phrase."""
    fo = _fiftyone()
    height, width = grounding.image_size
    things = [(each, _cut(each, (height, width))) for each in grounding.instances]
    detections = [
        fo.Detection(
            label=grounding.phrase,
            bounding_box=[x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height],
            confidence=float(each.score),
            mask=each.mask[y0:y1, x0:x1],
        )
        for each, (x0, y0, x1, y1) in things
    ]
    points = [
        fo.Keypoint(
            label=grounding.phrase, points=[(each.point[0] / width, each.point[1] / height)]
        )
        for each, _ in things
    ]
    return {
        "detections": fo.Detections(detections=detections),
        "points": fo.Keypoints(keypoints=points),
        "heatmap": fo.Heatmap(map=grounding.heatmap, range=[0.0, 1.0]),
    }


def segmentation_labels(segmentation: Segmentation) -> dict[str, Any]:
    """A field of a sample: ``segmentation``, whose values are the places of classes + 1; 0: background."""
    fo = _fiftyone()
    kind = np.uint8 if len(segmentation.names) <= _SMALL else np.uint16
    labels = segmentation.labels
    values = np.where(labels == BACKGROUND, 0, labels.astype(np.int64) + 1).astype(kind)
    return {"segmentation": fo.Segmentation(mask=values)}


def _cut(thing: Instance, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The whole pixels of an object's box, within the image: FiftyOne stretches a mask over its box."""
    (x0, y0, x1, y1), (height, width) = thing.box, size
    return (
        max(math.floor(x0), 0),
        max(math.floor(y0), 0),
        min(math.ceil(x1), width),
        min(math.ceil(y1), height),
    )


def _fiftyone() -> Any:
    try:
        import fiftyone
    except ImportError as error:
        raise MissingExtraError("fiftyone", "fiftyone", "to_fiftyone()") from error
    return fiftyone
