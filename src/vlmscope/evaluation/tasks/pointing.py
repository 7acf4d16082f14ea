"""Pointing: does the strongest place lie on the object?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.metrics import mean_over_images
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.paired import DrawnScore, summed_scores

__all__ = ["Pointing"]


class Pointing(ImageTask):
    """Share of pairs of image and object whose peak is on the object."""

    id = "pointing"
    definition = (
        "share of pairs of image and object whose strongest token has its centre inside the object's "
        "mask (or box, where there is no mask); a flat map is a miss; chance is the share of tokens "
        "whose centre lies inside (for methods that answer phrase by phrase: of pixels), averaged "
        "over the pairs"
    )

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """``[label, hit, chance]`` for every referent that is there."""
        return [
            [referent.label, hit, round(chance, 6)]
            for referent, (hit, chance) in zip(sample.referents, result.pointing(), strict=True)
            if not referent.absent
        ]

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [(image, *row) for image, record in records.items() for row in record]
        images = [image for image, *_ in rows]
        spread = (len(rows), "pairs", len(set(images)))
        if not rows:
            return [Score("pointing", None, *spread), Score("chance", None, *spread)]
        hits = mean_over_images([hit for _, _, hit, _ in rows], images, seed=seed)
        chance = mean_over_images([share for *_, share in rows], images, seed=seed)
        return [Score("pointing", hits, *spread), Score("chance", chance, *spread)]

    def drawn(self, records: Mapping[str, Any], words: WordList) -> Sequence[DrawnScore]:
        hits = (
            {"id": f"{image} {place}", "image": image, "hit": hit}
            for image, record in records.items()
            for place, (_, hit, _) in enumerate(record)
        )
        sums = ImageSums.of(hits, lambda row: {"pairs": 1.0, "pointing": float(row["hit"])})
        return summed_scores(sums, ["pointing"], "pairs")
