"""Semantic segmentation: the best class of every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import IGNORE, EvalSample, WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.confusion import (
    class_ious,
    class_sums,
    confusion_counts,
    confusion_matrix,
    mean_iou,
    mean_of_true,
    mean_of_union,
    pixel_accuracy,
    pixel_sums,
    share_of_right,
)
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.methods.encoder.protocols import SegmentationProtocol
from vlmscope.metrics.paired import DrawnScore, SummedScore

__all__ = ["PRESENT", "Segmentation"]

PRESENT = "mIoU present"
"""Score: mIoU over the classes that have true pixels."""


class Segmentation(ImageTask):
    """mIoU by one confusion matrix over the data set."""

    id = "segmentation"
    counted = (
        "one confusion matrix over the data set; mIoU is the mean of intersection over union over the "
        "classes that are true or predicted anywhere, as mmseg's: one that is only predicted counts 0; "
        f"'{PRESENT}' is the mean over those that have true pixels; where every class is there, as in "
        "whole splits, both are the same"
    )
    definition = (
        f"{counted}; the class of a pixel is the arg-max over ALL classes of the "
        "word list, scores upsampled bilinear to the original image; pixels without a class are "
        "ignored; a background, where the set has one, is a class like any other, without a threshold"
    )
    dense = True
    pixels = True

    @classmethod
    def defined(cls, protocol: SegmentationProtocol) -> str:
        """What is measured, where a protocol decides about the class of a pixel."""
        if not protocol.fixed:
            return cls.definition
        ignored = "pixels without a class are ignored"
        return f"{cls.counted}; {protocol.definition}; {ignored}"

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
        counted = _counted(records)
        images, classes = list(counted.values()), len(words)
        pixels = sum(n for counts in images for _, _, n in counts)
        spread = (pixels, "pixels", len(images))
        if not images:
            return [Score(name, None, *spread) for name in ("mIoU", PRESENT, "pixel accuracy")]
        matrix = confusion_matrix(images, classes)
        ious = class_ious(matrix)
        by_class = {
            label: round(float(iou), 6)
            for label, iou in zip(words.labels, ious, strict=True)
            if np.isfinite(iou)
        }
        there = {"classes_present": len(by_class), "classes": classes}
        detail = {**there, "iou_by_class": by_class, "mmseg": _by_mmseg(ious, matrix)}
        present = mean_iou(images, classes, only_true=True, seed=seed)
        return [
            Score("mIoU", mean_iou(images, classes, seed=seed), *spread, detail=detail),
            Score(PRESENT, present, *spread, detail=there),
            Score("pixel accuracy", pixel_accuracy(images, seed=seed), *spread),
        ]

    def drawn(self, records: Mapping[str, Any], words: WordList) -> Sequence[DrawnScore]:
        counted = _counted(records)
        ids, images = tuple(counted), list(counted.values())
        sums = class_sums(images, len(words))
        return [
            SummedScore("mIoU", ids, sums, mean_of_union(sums)),
            SummedScore(PRESENT, ids, sums, mean_of_true),
            SummedScore("pixel accuracy", ids, pixel_sums(images), share_of_right),
        ]


def _counted(records: Mapping[str, Any]) -> dict[str, Any]:
    """The images with a pixel that counts."""
    return {image: counts for image, counts in records.items() if counts}


def _by_mmseg(ious: NDArray[np.float64], matrix: NDArray[np.int64]) -> dict[str, float | int]:
    """The mean over classes that are true or predicted, and over how many of them it is."""
    counted = (matrix.sum(axis=0) + matrix.sum(axis=1)) > 0
    return {
        "value": round(float(np.nan_to_num(ious[counted]).mean()), 6),
        "classes": int(counted.sum()),
    }
