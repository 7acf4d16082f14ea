"""A threshold that is chosen on one split and applied to another (docs/evaluation.md, Metrics)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.records import Records, entry, once
from vlmscope.metrics.score import Score

__all__ = ["Threshold"]

_TARGETED, _ABSENT = "targeted", "absent"


@dataclass(frozen=True)
class Threshold:
    """Sentences that score less are rejected.

    Attributes:
        value: of the score.
        split: name of the split that it was chosen on.
        ids: the sentences that it was chosen on.
        images: the images that they are on.
    """

    value: float
    split: str
    ids: frozenset[str | int] = field(repr=False)
    images: frozenset[str | int] = field(repr=False)

    definition: ClassVar[str] = (
        "sentences that score less than the threshold are rejected; it is the least that maximises "
        "the mean of N_acc and T_acc on another split; absent N_acc: share of sentences without a "
        "target that are rejected; absent T_acc: share of those with one that are not; absent "
        "accuracy: share of right decisions"
    )

    @classmethod
    def choose(cls, records: Records, split: str) -> Threshold:
        """The least score that maximises the mean of N_acc and T_acc.

        Args:
            records: of :class:`vlmscope.metrics.absent.Absent`, one per sentence.
            split: name of the split that they are of.

        Raises:
            BadSampleError: a sentence that is there twice, another metric's record, or sentences of
                one kind only.
        """
        rows = list(once(records))
        values = np.array([entry(row, "score") for row in rows], dtype=np.float64)
        absent = np.array([entry(row, "absent") for row in rows], dtype=bool)
        if not absent.any() or absent.all() or not np.isfinite(values).all():
            raise BadSampleError(
                "A threshold is chosen on finite scores of sentences with and without a target, got "
                f"{int(absent.sum())} without one among {len(rows)} of {split!r}."
            )
        candidates = np.unique(values)  # the least rejects none, which is as good as rejecting all
        missed, caught = (
            np.searchsorted(np.sort(values[kind]), candidates) for kind in (~absent, absent)
        )
        # N_acc + T_acc, multiplied by the counts of both: whole numbers tie where they should
        right = caught * int((~absent).sum()) - missed * int(absent.sum())
        ids, images = ({row[key] for row in rows} for key in ("id", "image"))
        value = float(candidates[int(right.argmax())])
        return cls(value, split, frozenset(ids), frozenset(images))

    def rejects(self, score: float) -> bool:
        """Whether a sentence of this score is held to have no target.

        Raises:
            BadSampleError: a score that is no number.
        """
        if math.isnan(score):
            raise BadSampleError("A score that is no number can neither be rejected nor answered.")
        return score < self.value

    def scores(self, records: Records, split: str, *, seed: int = 0) -> list[Score]:
        """``absent N_acc``, ``absent T_acc`` and ``absent accuracy`` on another split.

        Args:
            records: of :class:`vlmscope.metrics.absent.Absent`, one per sentence, read once.
            split: name of the split that they are of.
            seed: of the bootstrap over images.

        Returns:
            Scores whose detail says the threshold, where it was chosen, and how many images of
            that split are among those scored.

        Raises:
            BadSampleError: the split that the threshold was chosen on, or a sentence of it; a
                sentence that is there twice, or another metric's record.
        """
        if split == self.split:
            raise BadSampleError(
                f"The threshold was chosen on {self.split!r} and cannot be scored there. "
                "Choose it on another split."
            )
        shared = set()

        def measured(record: Mapping[str, Any]) -> dict[str, float]:
            if record["id"] in self.ids:
                raise BadSampleError(
                    f"The threshold was chosen on the sentence {record['id']!r} of {self.split!r}, "
                    f"which is in {split!r} as well. Choose it on other sentences."
                )
            if record["image"] in self.images:
                shared.add(record["image"])
            return self._measured(record)

        sums = ImageSums.of(records, measured)
        found = [
            *sums.scores(["absent N_acc"], over=_ABSENT, seed=seed),
            *sums.scores(["absent T_acc"], over=_TARGETED, seed=seed),
            *sums.scores(["absent accuracy"], seed=seed),
        ]
        origin = {"threshold": self.value, "chosen_on": self.split, "shared_images": len(shared)}
        return [replace(score, detail=origin) for score in found]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        ids, images = (sorted(kind, key=str) for kind in (self.ids, self.images))
        return {"value": self.value, "split": self.split, "ids": ids, "images": images}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Threshold:
        """What :meth:`to_dict` wrote.

        Raises:
            BadSampleError: a value that is missing, or a threshold that is no finite number.
        """
        value = entry(record, "value")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise BadSampleError(f"A threshold must be a finite number, got {value!r}.")
        ids, images = (frozenset(entry(record, key)) for key in ("ids", "images"))
        return cls(float(value), str(entry(record, "split")), ids, images)

    def _measured(self, record: Mapping[str, Any]) -> dict[str, float]:
        absent, rejected = entry(record, "absent"), self.rejects(entry(record, "score"))
        return {
            SENTENCES: 1.0,
            _TARGETED: float(not absent),
            _ABSENT: float(absent),
            "absent N_acc": float(absent and rejected),
            "absent T_acc": float(not absent and not rejected),
            "absent accuracy": float(bool(absent) == rejected),
        }
