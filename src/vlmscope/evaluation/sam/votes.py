"""Runs that compare classes, once more with masks of SAM that vote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import IGNORE, EvalSample
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ClassEvidence, DenseImageResult, ImageResult
from vlmscope.evaluation.pixel_classes import classify_pixels
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.sam.identity import identity_of
from vlmscope.methods.sam_votes import SamVotes
from vlmscope.post import vote
from vlmscope.refine import AutomaticMask

__all__ = ["VotedEntrant", "VotedImageResult"]


@dataclass(frozen=True, eq=False)
class VotedEntrant(Entrant):
    """Another run in which each of SAM's masks takes one class.

    Attributes:
        base: the run that it starts from; its classes can be compared.
        votes: the SAM, and which masks it makes.
    """

    noun: ClassVar[str] = "run with SAM's masks"
    comparable = True

    base: Entrant = field()  # not the default of its class
    votes: SamVotes = field(repr=False)

    @property
    def label(self) -> str:  # type: ignore[override]
        return f"{self.base.label}+{self.votes.refiner.kind.id}:vote"

    @property
    def id(self) -> str:
        return f"{self.base.id}+{self.votes.refiner.kind.id}"

    @property
    def scorer(self) -> Entrant:
        return self.base.scorer

    @property
    def digest(self) -> str:
        content = json.dumps([self.base.digest, self._sam()], sort_keys=True)
        return f"vote:{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def setting(self) -> dict[str, Any]:
        return {**self.base.setting(), "votes": self.votes.record["rule"], **self._sam()}

    def result(self, trial: Trial) -> ImageResult:
        pixels = trial.sample.image.pixels
        base = trial.result_of(self.base)
        assert isinstance(base, DenseImageResult)  # what is comparable has no other
        masks = lambda: trial.shared(self._sam_key(), lambda: self.votes.masks(pixels))  # noqa: E731
        return VotedImageResult(base, trial.sample, masks)

    def _sam_key(self) -> tuple[str, str]:
        return "automatic masks", json.dumps(self._sam(), sort_keys=True)

    def _sam(self) -> dict[str, Any]:
        return {**identity_of(self.votes.refiner), "sam_masks": asdict(self.votes.options)}


@dataclass(frozen=True, eq=False)
class VotedImageResult(ImageResult):
    """A run's answers in one image, with masks that take one class each.

    Attributes:
        base: the run's result.
        sample: the image and its truth.
        masks: SAM's, the largest first; asked for only where pixels get classes.
    """

    base: DenseImageResult
    sample: EvalSample
    masks: Callable[[], Sequence[AutomaticMask]] = field(repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        return self.base.pointing()

    def places(self) -> list[Place]:
        return self.base.places()

    def evidence(self) -> ClassEvidence:
        return self.base.evidence()

    def classes(self) -> NDArray[np.int64]:
        assert self.sample.labels is not None  # the task asks for no other sample
        where = self.sample.labels != IGNORE
        if not where.any():
            return np.zeros(0, dtype=np.int64)
        if self.base.seen is not None:  # a protocol decides about pixels of masks, too
            return self.base.by_protocol(each.mask for each in self.masks())[where]
        token_map, scores = self.base.compared()
        classes = classify_pixels(token_map, scores, where)
        regions = vote(token_map, scores, (each.mask for each in self.masks()))
        owners = regions.owners[where]
        inside = owners >= 0
        classes[inside] = regions.scores.argmax(axis=1)[owners[inside]] if inside.any() else 0
        return classes
