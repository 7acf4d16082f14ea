"""Places with the model's own yes or no beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.evidence.questions import yes_shares
from vlmscope.evaluation.image_results import ClassEvidence, ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.vocabulary import texts_of
from vlmscope.models import LoadedModel

__all__ = ["AnsweredImageResult", "answers_on"]


@dataclass(frozen=True, eq=False)
class AnsweredImageResult(ImageResult):
    """A result whose places say what the model answers, too.

    Attributes:
        found: the result.
        answers: gives the share of yes of every referent.
    """

    found: ImageResult
    answers: Callable[[], Sequence[float]]

    def pointing(self) -> list[tuple[int, float]]:
        return self.found.pointing()

    def places(self) -> list[Place]:
        return [
            replace(place, evidence={**place.evidence, "answer": share})
            for place, share in zip(self.found.places(), self.answers(), strict=True)
        ]

    def classes(self) -> NDArray[np.int64]:
        return self.found.classes()

    def evidence(self) -> ClassEvidence:
        return self.found.evidence()


def answers_on(model: LoadedModel, sample: EvalSample, question: str) -> list[float]:
    """The share of yes of every referent of an image, see :func:`yes_shares`."""
    phrases = [texts_of(model, referent.names)[0] for referent in sample.referents]
    return yes_shares(model, sample.image.pixels, phrases, question)
