"""Referring segmentation: the method's own mask and box against the object's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.metrics import accuracy_at, ciou, intersection_union, mean_over_images
from vlmscope.types.boxes import box_iou

__all__ = ["Referring"]


class Referring:
    """cIoU, gIoU and Acc@0.5."""

    id = "referring"
    definition = (
        "the method's mask and box after its post-processing; cIoU: sum of intersections over sum of "
        "unions over the data set; gIoU: mean IoU of masks, an empty union counts 1 (not Generalised "
        "IoU); Acc@0.5: share of phrases whose box has an IoU of 0.5 with the object's"
    )
    dense = False

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """``[box IoU, intersection, union]`` for every referent, both None without a mask.

        What is absent has no place to be found at, so it is left out.
        """
        rows: list[list[Any]] = []
        for referent, (mask, box) in zip(sample.referents, result.regions(), strict=True):
            if referent.absent:
                continue
            target = referent.target
            pixels: tuple[int | None, int | None] = (None, None)
            if target.mask is not None:
                pixels = intersection_union(mask, target.mask, referent.ignore)
            rows.append([round(box_iou(box, target.box), 6), *pixels])
        return rows

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [(image, *row) for image, record in records.items() for row in record]
        masked = [(image, inside, union) for image, _, inside, union in rows if union is not None]
        images = [image for image, *_ in rows]
        spread = (len(rows), "phrases", len(set(images)))
        acc = accuracy_at([row[1] for row in rows], 0.5, images, seed=seed) if rows else None
        return [*_mask_scores(masked, seed), Score("Acc@0.5", acc, *spread)]


def _mask_scores(rows: Sequence[tuple[str, int, int]], seed: int) -> list[Score]:
    images = [image for image, *_ in rows]
    spread = (len(rows), "phrases", len(set(images)))
    if not rows:
        return [Score("cIoU", None, *spread), Score("gIoU", None, *spread)]
    sums = {image: np.zeros(2) for image in images}
    for image, inside, union in rows:  # phrases on one image are resampled together
        sums[image] += (inside, union)
    ious = [inside / union if union else 1.0 for _, inside, union in rows]
    return [
        Score("cIoU", ciou(list(sums.values()), seed=seed), *spread),
        Score("gIoU", mean_over_images(ious, images, seed=seed), *spread),
    ]
