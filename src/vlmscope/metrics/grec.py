"""Generalised referring comprehension: any number of boxes, none included (docs/evaluation.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.metrics.boxes import checked_box, generalised_iou
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score
from vlmscope.types import Box, box_iou

__all__ = ["OVERLAP", "Grec"]

OVERLAP = 0.5
"""What a box needs to share with an object to be matched with it."""

_TARGETED, _ABSENT = "targeted", "absent"


@dataclass(frozen=True)
class Grec:
    """F1, the share of sentences whose F1 is 1, N_acc and T_acc of gRefCOCO's boxes.

    Attributes:
        match: ``"giou"`` matches by Generalised IoU, as the data set's own code does; ``"iou"`` by
            IoU, which is never less.
        threshold: boxes of this score or more are answers; a sentence without one is rejected.

    Raises:
        BadOptionError: another way to match, or a threshold that is no number.
    """

    match: Literal["giou", "iou"] = "giou"
    threshold: float = 0.7

    def __post_init__(self) -> None:
        if self.match not in ("giou", "iou"):
            raise BadOptionError(f"match is 'giou' or 'iou', got {self.match!r}.")
        if not math.isfinite(self.threshold):
            raise BadOptionError(f"threshold must be a finite number, got {self.threshold!r}.")

    @property
    def definition(self) -> str:
        """What the scores are, word for word."""
        return f"boxes of score {self.threshold:g} or more are answers; {self.matching}"

    @property
    def matching(self) -> str:
        """The part of the definition that needs no threshold."""
        overlap = "Generalised IoU" if self.match == "giou" else "IoU"
        return (
            f"they are matched one to one with the objects, the pair of the largest {overlap} first, "
            f"down to {OVERLAP}; F1 = 2 matched / (answers + objects); without a target F1 is 1 "
            "without an answer, else 0; F1: its mean over sentences; F1=1: share of sentences whose "
            "F1 is 1; N_acc: share of sentences without a target and without an answer; T_acc: share "
            "of those with a target that have an answer"
        )

    def record(
        self,
        sample: str | int,
        image: str | int,
        boxes: Sequence[Sequence[float]],
        scores: Sequence[float],
        truths: Sequence[Sequence[float]],
    ) -> Record:
        """``{"id", "image", "objects", "answers", "matched", "match", "threshold"}``.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            boxes: predicted, xyxy float pixels of the original image, in any order.
            scores: of the boxes.
            truths: the objects' boxes, likewise; none where the sentence has no target.

        Raises:
            BadSampleError: ids or boxes that are none, another number of scores than of boxes,
                or a score that is not finite.
        """
        objects = [checked_box(truth, "true box") for truth in truths]
        found = [checked_box(box, "predicted box") for box in boxes]
        if len(found) != len(scores) or not np.isfinite(np.asarray(scores, np.float64)).all():
            raise BadSampleError(
                f"Every box needs one finite score, got {len(found)} boxes and {list(scores)[:8]}."
            )
        ranked = sorted(zip(map(float, scores), found, strict=True), reverse=True)
        answers = [box for score, box in ranked if score >= self.threshold]
        return {
            **header(sample, image),
            "objects": len(objects),
            "answers": len(answers),
            "matched": self._matched(answers, objects),
            "match": self.match,
            "threshold": self.threshold,
        }

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``GREC F1``, ``GREC F1=1``, ``GREC N_acc`` and ``GREC T_acc``.

        Args:
            records: one per sentence, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a sentence that is there twice, another metric's record, or one made
                with another ``match`` or ``threshold``.
        """
        sums = ImageSums.of(records, self._measured)
        return [
            *sums.scores(["GREC F1", "GREC F1=1"], seed=seed),
            *sums.scores(["GREC N_acc"], over=_ABSENT, seed=seed),
            *sums.scores(["GREC T_acc"], over=_TARGETED, seed=seed),
        ]

    def _matched(self, answers: Sequence[Box], objects: Sequence[Box]) -> int:
        """How many pairs a greedy one-to-one matching finds.

        Of pairs that overlap alike the one of the better score is taken, then the earlier object's.
        """
        overlap = generalised_iou if self.match == "giou" else box_iou
        table: NDArray[np.float64] = np.array(
            [[overlap(answer, each) for each in objects] for answer in answers]
        ).reshape(len(answers), len(objects))
        for pairs in range(min(table.shape)):
            row, column = divmod(int(table.argmax()), len(objects))
            if table[row, column] < OVERLAP:
                return pairs
            table[row, :] = table[:, column] = -np.inf
        return min(table.shape)

    def _measured(self, record: Mapping[str, Any]) -> dict[str, float]:
        made = entry(record, "match"), entry(record, "threshold")
        if made != (self.match, self.threshold):
            raise BadSampleError(
                f"The record of {record['id']!r} was made with match and threshold {made}, not "
                f"{(self.match, self.threshold)}. Make the records again, or score with theirs."
            )
        objects, answers = entry(record, "objects"), entry(record, "answers")
        everything = objects + answers
        f1 = 2 * entry(record, "matched") / everything if everything else 1.0
        return {
            SENTENCES: 1.0,
            _TARGETED: float(objects > 0),
            _ABSENT: float(objects == 0),
            "GREC F1": f1,
            "GREC F1=1": float(f1 >= 1),
            "GREC N_acc": float(objects == 0 and answers == 0),
            "GREC T_acc": float(objects > 0 and answers > 0),
        }
