"""Comparators as entrants of an evaluation."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

from vlmscope.data.images import OpenedImage
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.evaluation.boxed_results import CENTRE, BoxedImageResult, centre
from vlmscope.evaluation.comparators import Comparator, Found
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place, ScoredBox
from vlmscope.evaluation.row_shares import share_of_rows
from vlmscope.evaluation.rows import Rows
from vlmscope.metrics.score import Score

__all__ = ["NOTED", "ComparatorEntrant", "enter_comparators"]

NOTED = "noted"
"""Score: the share of sentences with a note, such as a phrase that was cut."""

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, eq=False)
class ComparatorEntrant(Entrant):
    """A comparator, asked for one sentence a call.

    Attributes:
        label: what it is called in the report.
        comparator: who is asked.
    """

    noun: ClassVar[str] = "comparator"

    label: str
    comparator: Comparator = field(repr=False)

    @property
    def id(self) -> str:
        return self.comparator.id

    @property
    def scored(self) -> bool:  # type: ignore[override]
        return self.comparator.scored

    @property
    def draws(self) -> bool:  # type: ignore[override]
        return self.comparator.draws

    @property
    def digest(self) -> str:
        """Of kind, checkpoint and revision, and of the dtype, in which boxes differ."""
        who = self.comparator
        content = json.dumps([self.noun, who.id, who.name, who.revision, who.dtype])
        return f"{self.noun}:{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def setting(self) -> dict[str, Any]:
        who = self.comparator
        drawn = "its own" if who.draws else "none: a box is not taken for one"
        score = "that of its best box, 0 where there is none" if who.scored else "none"
        return {
            "checkpoint": who.name,
            "revision": who.revision,
            "dtype": who.dtype,
            "box": "its best, which counts as a miss where it finds none",
            "point": CENTRE,
            "mask": drawn,
            "score": score,
            **({"limits": who.limits} if who.limits else {}),
            "options": {},
        }

    def result(self, trial: Trial) -> ImageResult:
        find = partial(self._places, trial.sample.image)
        return BoxedImageResult(f"{self.noun} {self.id!r}", trial.sample, find)

    def own_scores(self, rows: Rows, seed: int) -> Sequence[Score]:
        """The share of sentences with a note; how many have which stands in the detail."""
        counts = Counter(_NUMBER.sub("N", note) for row in rows for note in row["notes"])
        return [
            share_of_rows(NOTED, rows, lambda row: bool(row["notes"]), seed, notes=dict(counts))
        ]

    def _places(self, image: OpenedImage, phrases: Sequence[str]) -> list[Place]:
        return [place_of(self._found(image, phrase)) for phrase in phrases]

    def _found(self, image: OpenedImage, phrase: str) -> Found:
        """What it finds; nothing for a phrase that it cannot be asked, of which others can be."""
        try:
            return self.comparator.find(image, phrase)
        except BadPhraseError as error:
            mask = np.zeros(image.size, dtype=bool) if self.comparator.draws else None
            scores = np.zeros(0, dtype=np.float32) if self.comparator.scored else None
            boxes = np.zeros((0, 4), dtype=np.float32)
            return Found(boxes, scores, phrase, mask=mask, notes=(str(error),))


def enter_comparators(
    comparators: Mapping[str, Comparator] | Sequence[Comparator], taken: Sequence[str] = ()
) -> tuple[Entrant, ...]:
    """Comparators as entrants.

    Args:
        comparators: by label; a sequence: each is called what its id is.
        taken: labels of other entrants.

    Raises:
        BadOptionError: two entrants of one label.
    """
    pairs = (
        list(comparators.items())
        if isinstance(comparators, Mapping)
        else [(each.id, each) for each in comparators]
    )
    labels = [*taken, *(label for label, _ in pairs)]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise BadOptionError(
            f"Two runs are called {twice[0]!r}. Give each comparator a name of its own: "
            "{'grounding-dino@base': ..., 'grounding-dino@tiny': ...}."
        )
    return tuple(ComparatorEntrant(label, each) for label, each in pairs)


def place_of(found: Found) -> Place:
    """What was found as the answer to a sentence."""
    rows = found.boxes.tolist()
    scores = [None] * len(rows) if found.scores is None else found.scores.tolist()
    objects = tuple(ScoredBox(tuple(box), score) for box, score in zip(rows, scores, strict=True))
    score = None if found.scores is None else (found.score or 0.0)
    remarks: dict[str, Any] = {"asked": found.text, "notes": list(found.notes)}
    if found.answer is not None:
        remarks["answer"] = found.answer
    point = centre(found.box)
    return Place(found.mask, found.box, point, score, objects=objects, remarks=remarks)
