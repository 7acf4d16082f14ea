"""What was measured for a claim, on what, and what keeps it from deciding anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.metrics import Score

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """A score with what it is of.

    Attributes:
        score: value, interval over images, number of samples and images; None: nothing was measured.
        model: ids of the models, with commas.
        dataset: id and split, such as ``refcoco val``.
        reservations: clauses on why it cannot decide a claim: ``only the first 20 images``. What is
            told by model and data set themselves need not be said.
        missing: why there is no score, as a clause, such as ``refcoco+ is not there``.
    """

    score: Score | None
    model: str
    dataset: str
    reservations: tuple[str, ...] = ()
    missing: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values: those of the score, null where there is none, and what it is of."""
        score = {"value": None} if self.score is None else self.score.to_dict()
        return {
            **score,
            "model": self.model,
            "dataset": self.dataset,
            "reservations": list(self.reservations),
            "missing": self.missing,
        }
