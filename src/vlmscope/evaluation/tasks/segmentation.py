"""Semantic segmentation: the best class of every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlmscope.data.datasets import IGNORE, EvalSample, WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.confusion import (
    class_ious,
    confusion_counts,
    confusion_matrix,
    mean_iou,
    pixel_accuracy,
)
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import ImageTask

__all__ = ["Segmentation"]


class Segmentation(ImageTask):
    """mIoU by one confusion matrix over the data set."""

    id = "segmentation"
    definition = (
        "one confusion matrix over the data set; mIoU is the mean of intersection over union over the "
        "classes that have true pixels; the class of a pixel is the arg-max over ALL classes of the "
        "word list, scores upsampled bilinear to the original image; pixels without a class are "
        "ignored, so there is no background class and no threshold"
    )
    dense = True
    pixels = True

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """Confusion counts of the image.

        Raises:
            BadSampleError: a sample without a label map.
        """
        if sample.labels is None:
            raise BadSampleError("The image has no label map, which segmentation needs.")
        truth = sample.labels[sample.labels != IGNORE]
        return confusion_counts(truth, result.classes(), len(words))

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        counted = {image: counts for image, counts in records.items() if counts}
        images, classes = list(counted.values()), len(words)
        pixels = sum(n for counts in images for _, _, n in counts)
        spread = (pixels, "pixels", len(images))
        if not images:
            return [Score("mIoU", None, *spread), Score("pixel accuracy", None, *spread)]
        ious = class_ious(confusion_matrix(images, classes))
        by_class = {
            label: round(float(iou), 6)
            for label, iou in zip(words.labels, ious, strict=True)
            if np.isfinite(iou)
        }
        detail = {"classes_present": len(by_class), "iou_by_class": by_class}
        return [
            Score("mIoU", mean_iou(images, classes, seed=seed), *spread, detail=detail),
            Score("pixel accuracy", pixel_accuracy(images, seed=seed), *spread),
        ]
