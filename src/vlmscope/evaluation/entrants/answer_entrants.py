"""The boxes that a model writes itself, as an entrant of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from vlmscope.attention.box_questions import BoxAnswer, BoxQuestion
from vlmscope.data.images import OpenedImage
from vlmscope.evaluation.answered_results import with_answers
from vlmscope.evaluation.boxed_results import CENTRE, BoxedImageResult, centre
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.evidence.kinds import EVIDENCE
from vlmscope.evaluation.evidence.rejection import rejects
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place, ScoredBox
from vlmscope.evaluation.row_shares import share_of_rows
from vlmscope.evaluation.rows import Rows
from vlmscope.metrics.score import Score

__all__ = ["TRUNCATED", "UNPARSED", "AnswerEntrant", "place_of"]

UNPARSED = "answer unparsed"
"""Score: the share of sentences whose answer holds no box."""

TRUNCATED = "answer truncated"
"""Score: the share of sentences whose answer was cut off."""


@dataclass(frozen=True, eq=False)
class AnswerEntrant(Entrant):
    """A model that is asked for the box of every sentence.

    Attributes:
        method: the method ``answer`` under its options.
        question: how the model is asked.
        chosen: the kinds of evidence that its places are to hold.
    """

    scored = False
    draws = False
    decides = "rejection"

    method: ConfiguredMethod
    question: BoxQuestion = field(repr=False)
    chosen: Evidence = field(default_factory=Evidence)

    @property
    def label(self) -> str:  # type: ignore[override]
        return self.method.label

    @property
    def id(self) -> str:
        return self.method.method.id

    @property
    def digest(self) -> str:
        return self.method.digest

    def setting(self) -> dict[str, Any]:
        convention = self.question.model.boxes
        caution = {"caution": convention.caution} if convention.caution else {}
        return {
            "question": convention.ask,
            "convention": convention.source,
            **caution,
            "prompt": self.question.preset,
            "decoding": f"greedy, at most {self.question.room} tokens",
            "image": "read once for all of its sentences"
            if self.question.shares_image
            else "read again for each sentence",
            "box": "the first that is written; an answer without one counts as a miss",
            "point": CENTRE,
            "mask": "none: a box is not taken for one",
            "score": "none",
            "rejection": EVIDENCE.get("rejection").definition({}),
            "options": asdict(self.method.options),
        }

    def result(self, trial: Trial) -> ImageResult:
        find = partial(self._places, trial.sample.image)
        result = BoxedImageResult(f"{self.noun} {self.id!r}", trial.sample, find)
        return with_answers(result, trial, self.question.model, self.chosen)

    def evidence(self, asked: Evidence) -> tuple[str, ...]:
        if "answer" not in asked.kinds:
            return super().evidence(asked)
        return ("answer", *super().evidence(asked.without("answer")))

    def own_scores(self, rows: Rows, seed: int) -> Sequence[Score]:
        """The shares of answers without a box, and of those that were cut off."""
        return [
            share_of_rows(UNPARSED, rows, lambda row: row["unparsed"], seed),
            share_of_rows(TRUNCATED, rows, lambda row: row["truncated"], seed),
        ]

    def _places(self, image: OpenedImage, phrases: Sequence[str]) -> list[Place]:
        return [place_of(answer) for answer in self.question.ask(image.pixels, phrases)]


def place_of(written: BoxAnswer) -> Place:
    """A written answer as the answer to a sentence.

    An answer without a box alone is no rejection: whether the model denied in words that there is
    such a thing is ``rejection``.
    """
    boxes = [each.box for each in written.answer.boxes]
    first = written.answer.box
    rejection = first is None and rejects(written.raw)
    remarks = {
        "answer": written.raw,
        "unparsed": first is None,
        "truncated": written.truncated,
        "rejection": rejection,
    }
    objects = tuple(ScoredBox(box, None) for box in boxes)
    evidence = {"rejection": float(not rejection)}
    return Place(
        None, first, centre(first), None, objects=objects, remarks=remarks, evidence=evidence
    )
