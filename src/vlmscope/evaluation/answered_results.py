"""Places with the model's own yes or no beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.evaluation.entrants.entrant import Trial
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.evidence.questions import yes_shares
from vlmscope.evaluation.image_results import ClassEvidence, ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.words.vocabulary import texts_of
from vlmscope.models import LoadedModel

__all__ = ["AnsweredImageResult", "with_answers"]


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


def with_answers(result: ImageResult, trial: Trial, model: Any, chosen: Evidence) -> ImageResult:
    """A result with the model's yes or no, which all entrants of a trial share, if it is asked for.

    Args:
        result: of an entrant.
        trial: on one image.
        model: the evaluation's.
        chosen: with settings of the model.
    """
    if "answer" not in chosen.kinds or not isinstance(model, LoadedModel):
        return result
    sample, question = trial.sample, str(chosen.question)

    def ask() -> list[float]:
        phrases = [texts_of(model, referent.names)[0] for referent in sample.referents]
        return yes_shares(model, sample.image.pixels, phrases, question)

    return AnsweredImageResult(result, lambda: trial.shared("answers", ask))
