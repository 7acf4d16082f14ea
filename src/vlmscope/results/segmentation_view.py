"""A Segmentation as the viewer draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vlmscope.results.geometry_blocks import SIDE, encoded, label_runs
from vlmscope.types import BACKGROUND
from vlmscope.viewer import View
from vlmscope.viewer.blocks import Block
from vlmscope.viz.palette import class_colours

if TYPE_CHECKING:
    from vlmscope.results.segmentation import Segmentation

__all__ = ["segmentation_block", "segmentation_view"]


def segmentation_view(
    segmentation: Segmentation, *, side: int = SIDE, lossless: bool = False
) -> View:
    """One segmentation.

    Args:
        segmentation: what is shown.
        side: pixels of the longer side of the image at most.
        lossless: keep the image's pixels as they are.
    """
    return View(
        f"Segmentation: {len(segmentation.found)} of {len(segmentation.names)} classes have pixels",
        f"{segmentation.method} of {segmentation.model}",
        [segmentation_block(segmentation, side=side, lossless=lossless)],
    )


def segmentation_block(
    segmentation: Segmentation, *, side: int = SIDE, lossless: bool = False
) -> Block:
    """The block alone, see :func:`segmentation_view`.

    A pixel of no class is -1 in the runs of labels; its area stands last.
    """
    labels = segmentation.labels.astype(np.int32)
    labels[segmentation.labels == BACKGROUND] = -1
    confidence = segmentation.confidence
    height, width = segmentation.image_size
    return {
        "type": "segmentation",
        "image": encoded(segmentation.image, side, lossless),
        "size": [height, width],
        "names": list(segmentation.names),
        "labels": label_runs(labels),
        "colours": class_colours(segmentation.names).tolist(),
        "areas": segmentation.areas.tolist(),
        "presence": [float(value) for value in segmentation.presence],
        "confidence": None if confidence is None else [float(value) for value in confidence],
        "facts": [
            ["model", segmentation.model],
            ["method", segmentation.method],
            ["image", f"{width} x {height} pixels"],
        ],
        "warnings": list(segmentation.warnings),
    }
