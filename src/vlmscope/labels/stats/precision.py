"""How many of the labels are right, by a person's decisions about a sample of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.labels.audit import Decision, Decisions
from vlmscope.stats import Interval, clustered_share

__all__ = [
    "BinPrecision",
    "Decided",
    "Precision",
    "decided_of",
    "interval_dict",
    "measure_precision",
]


@dataclass(frozen=True, eq=False)
class Decided:
    """Decisions for or against, as arrays of one length.

    Attributes:
        accepted: bool (n,).
        weights: float (n,): how many objects of the folder each stands for.
        images: (n,), ids.
        scores: float (n,); NaN: no score.
    """

    accepted: NDArray[np.bool_]
    weights: NDArray[np.float64]
    images: NDArray[np.str_]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.accepted)

    def where(self, chosen: NDArray[np.bool_]) -> Decided:
        """A part of them."""
        return Decided(
            self.accepted[chosen], self.weights[chosen], self.images[chosen], self.scores[chosen]
        )

    def precision(self) -> Interval | None:
        """The share of accepted ones among the objects they stand for; None: there is no decision."""
        if not len(self):
            return None
        return clustered_share(self.accepted, self.weights, self.images)


@dataclass(frozen=True)
class BinPrecision:
    """The precision of objects within a range of scores.

    Attributes:
        low: the lowest score; None: objects without one.
        high: the highest.
        objects: how many there are in the folder.
        decided: how many of them have a decision for or against.
        precision: None: none has.
    """

    low: float | None
    high: float | None
    objects: int
    decided: int
    precision: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "low": self.low,
            "high": self.high,
            "objects": self.objects,
            "decided": self.decided,
            "precision": interval_dict(self.precision),
        }


@dataclass(frozen=True)
class Precision:
    """The precision of a folder's objects.

    Attributes:
        accepted, rejected, unsure: how many decisions there are of each.
        undecided: sampled objects that nobody decided about.
        value: the weighted share of accepted ones among the decided; None: no decision for or against.
        lowest: were every unsure one wrong.
        highest: were every unsure one right.
        covered: the share of the objects that decisions stand for; the rest are of strata without any.
        bins: by score.
    """

    accepted: int
    rejected: int
    unsure: int
    undecided: int
    value: Interval | None
    lowest: float | None
    highest: float | None
    covered: float
    bins: tuple[BinPrecision, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "accepted": self.accepted,
            "rejected": self.rejected,
            "unsure": self.unsure,
            "undecided": self.undecided,
            "precision": interval_dict(self.value),
            "if_unsure_are_wrong": self.lowest,
            "if_unsure_are_right": self.highest,
            "covered": self.covered,
            "by_score": [each.to_dict() for each in self.bins],
        }


def interval_dict(interval: Interval | None) -> dict[str, float] | None:
    """An interval as JSON has it."""
    return None if interval is None else interval._asdict()


def measure_precision(decisions: Decisions) -> Precision:
    """The precision of all objects that a sample stands for.

    Each object that was decided about stands for its stratum's objects, shared out over those that were:
    whoever stops early, or is unsure, is taken to have left out none in particular.
    """
    counts = Counter(each.of_label for each in decisions.each)
    decided = decided_of(decisions)
    strata = {each.stratum for each in decisions.each if each.of_label != "unsure"}
    covered = sum(decisions.strata[number].objects for number in strata)
    return Precision(
        counts["accept"],
        counts["reject"],
        counts["unsure"],
        max(0, decisions.drawn - len(decisions.each)),
        decided.precision(),
        _share(decisions, right=False),
        _share(decisions, right=True),
        covered / max(1, decisions.population),
        tuple(_bins(decisions)),
    )


def decided_of(decisions: Decisions, strata: Sequence[int] | None = None) -> Decided:
    """The decisions for or against, weighted.

    Args:
        decisions: all.
        strata: only those of these; None: of all.
    """
    chosen = [
        each
        for each in decisions.each
        if each.of_label != "unsure" and (strata is None or each.stratum in strata)
    ]
    return _arrays(decisions, chosen, [each.of_label == "accept" for each in chosen])


def _share(decisions: Decisions, right: bool) -> float | None:
    """The precision were every unsure one right, or every one wrong."""
    accepted = [
        each.of_label == "accept" or (right and each.of_label == "unsure")
        for each in decisions.each
    ]
    value = _arrays(decisions, decisions.each, accepted).precision()
    return None if value is None else value.value


def _arrays(decisions: Decisions, chosen: Sequence[Decision], accepted: Sequence[bool]) -> Decided:
    counts = Counter(each.stratum for each in chosen)
    weights = [decisions.strata[each.stratum].objects / counts[each.stratum] for each in chosen]
    scores = [np.nan if each.score is None else each.score for each in chosen]
    return Decided(
        np.array(accepted, dtype=bool),
        np.array(weights, dtype=np.float64),
        np.array([each.id for each in chosen], dtype=np.str_),
        np.array(scores, dtype=np.float64),
    )


def _bins(decisions: Decisions) -> Iterator[BinPrecision]:
    """By score: strata with and without a warning taken together."""
    bins: dict[int, list[int]] = {}
    for number, stratum in enumerate(decisions.strata):
        bins.setdefault(stratum.bin, []).append(number)
    for _, numbers in sorted(bins.items()):
        inside = [decisions.strata[number] for number in numbers]
        decided = decided_of(decisions, numbers)
        yield BinPrecision(
            min((each.low for each in inside if each.low is not None), default=None),
            max((each.high for each in inside if each.high is not None), default=None),
            sum(each.objects for each in inside),
            len(decided),
            decided.precision(),
        )
