"""The least score that reaches a precision: chosen on one half of the decisions, shown on the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.labels.stats.precision import Decided, interval_dict
from vlmscope.options import check_number
from vlmscope.stats import Interval

__all__ = ["LEAST_ABOVE", "LEAST_DECISIONS", "LeastScore", "choose_least_score"]

LEAST_DECISIONS = 60
"""For or against, of both halves together: with fewer, chance chooses."""

LEAST_ABOVE = 10
"""Decisions at or above a score, in either half, before its precision says anything."""


@dataclass(frozen=True)
class LeastScore:
    """A score to cut at, and what is known of it.

    Attributes:
        precision: what was to be reached.
        score: the least that reaches it on the half it was chosen on; None: none does, or too few
            decisions say.
        chosen: the precision at and above it on that half, where it looks better than it is.
        shown: the precision on the other half, which had no part in the choice.
        decisions: of the other half, at and above the score.
        kept: the share of the folder's objects at and above the score.
        sentence: what to make of it.
    """

    precision: float
    score: float | None
    chosen: float | None
    shown: Interval | None
    decisions: int
    kept: float | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "precision": self.precision,
            "score": self.score,
            "chosen_half": self.chosen,
            "other_half": interval_dict(self.shown),
            "other_half_decisions": self.decisions,
            "kept": self.kept,
            "sentence": self.sentence,
        }


def choose_least_score(
    decided: Decided, scores: NDArray[np.float64], precision: float
) -> LeastScore:
    """Choose a score on half of the images, and measure it on the others.

    Args:
        decided: decisions for or against.
        scores: of all objects that the decisions stand for.
        precision: to be reached, above 0 and up to 1.

    Raises:
        BadOptionError: another precision.
    """
    check_number("precision", precision, at_least=0.01, at_most=1)
    known = decided.where(np.isfinite(decided.scores))
    if len(known) < LEAST_DECISIONS:
        return _nothing(
            precision,
            f"{len(known):,} decisions for or against are too few to choose a least score on one half and "
            f"show it on the other: decide about {LEAST_DECISIONS} at least.",
        )
    first = np.array([_is_first(name) for name in known.images.tolist()])
    own, other = known.where(first), known.where(~first)
    score, best = _least(own, precision)
    if score is None:
        return _nothing(
            precision,
            f"No score reaches a precision of {precision:g} on the half of the decisions that it is chosen "
            f"on; the best is {best:.3f}.",
        )
    above = other.where(other.scores >= score)
    kept = float((scores >= score).mean()) if len(scores) else None
    shown = above.precision() if len(above) >= LEAST_ABOVE else None
    sentence = _sentence(precision, score, shown, len(above))
    return LeastScore(precision, score, best, shown, len(above), kept, sentence)


def _nothing(precision: float, sentence: str) -> LeastScore:
    return LeastScore(precision, None, None, None, 0, None, sentence)


def _is_first(name: str) -> bool:
    """Whether an image is of the half on which is chosen; all its objects are."""
    return hashlib.blake2b(name.encode("utf-8"), digest_size=1).digest()[0] % 2 == 0


def _least(decided: Decided, precision: float) -> tuple[float | None, float]:
    """The least score that reaches a precision, with what it reaches; else None, with the best."""
    order = np.argsort(-decided.scores, kind="stable")
    scores, weights = decided.scores[order], decided.weights[order]
    right = np.cumsum(weights * decided.accepted[order])
    reached = right / np.cumsum(weights)
    last = np.append(scores[1:] != scores[:-1], True)  # of those with one score
    enough = last & (np.arange(len(scores)) + 1 >= LEAST_ABOVE)
    if not enough.any():
        return None, 0.0
    good = np.flatnonzero(enough & (reached >= precision - 1e-12))
    if not len(good):
        return None, float(reached[enough].max())
    return float(scores[good[-1]]), float(reached[good[-1]])


def _sentence(precision: float, score: float, shown: Interval | None, count: int) -> str:
    if shown is None:
        return (
            f"A score of at least {score:.4g} was chosen, and {count:,} decisions of the other half are "
            f"above it: too few to show that it holds. Decide about more."
        )
    on = f"on the other half of the decisions its precision is {shown} ({count:,} decisions)"
    if shown.low >= precision:
        verdict = f"{precision:g} is reached"
    elif shown.high < precision:
        verdict = f"{precision:g} is not reached: the choice was luck"
    else:
        verdict = f"neither more nor less than {precision:g} is excluded: decide about more to know"
    return f"A score of at least {score:.4g} was chosen; {on}: {verdict}."
