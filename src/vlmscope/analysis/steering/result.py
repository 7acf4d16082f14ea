"""What a trial of steering found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.steering.report import steering_page
from vlmscope.analysis.steering.table import CONDITIONS, STEERING_COLUMNS, steering_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap
from vlmscope.viewer import View

__all__ = ["CLEAN", "CONDITIONS", "SteeringPoint", "SteeringTrial"]

CLEAN = "as it is"
"""The model without steering."""


@dataclass(frozen=True)
class SteeringPoint:
    """One condition at one strength, over some questions.

    Attributes:
        condition: of :data:`CONDITIONS`, or :data:`CLEAN`.
        strength: added to the logits; 0 for the clean model.
        follows: share of places whose own answer is given with heads drawn to them.
        other: share in which the answer of another place is given.
        neither: share in which no place's answer is given: what steering breaks.
        more: by how much ``follows`` exceeds that of the clean model on the same questions.
    """

    condition: str
    strength: float
    follows: Interval
    other: Interval
    neither: Interval
    more: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        spans = {
            name: list(getattr(self, name)) for name in ("follows", "other", "neither", "more")
        }
        return {"condition": self.condition, "strength": self.strength, **spans}


@dataclass(frozen=True, eq=False)
class SteeringTrial:
    """Every condition and strength on every question.

    Attributes:
        run: everything needed to repeat the run.
        records: one per question.
        skipped: questions that could not be used, and why.
    """

    run: dict[str, Any]
    records: tuple[dict[str, Any], ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        return one_line(self, f"{len(self.records)} questions, {self.run['model']}", self.verdict())

    def _repr_html_(self) -> str:
        shown = card(
            f"Heads of {self.run['model']} drawn to a place",
            table(steering_table(self), STEERING_COLUMNS),
            lead=self.verdict(),
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return steering_page(self).view()

    @property
    def halves(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the questions that choose the strength and of those that judge."""
        order = np.argsort([record["id"] for record in self.records], kind="stable")
        return order[::2], order[1::2]

    @property
    def strength(self) -> float:
        """The one under which most answers follow these heads on the choosing half."""
        tried = [each for each in self.points(self.halves[0]) if each.condition == CONDITIONS[0]]
        return max(tried, key=lambda each: (each.follows.value, -abs(each.strength))).strength

    def points(self, which: Sequence[int] | NDArray[np.int64] | None = None) -> list[SteeringPoint]:
        """The clean model and every setting, over some of the questions; None: all."""
        records = [
            self.records[int(i)] for i in (range(len(self.records)) if which is None else which)
        ]
        clean = [_shares(record["clean_follows"]) for record in records]
        points = [_point(CLEAN, 0.0, clean, clean)]
        for number, first in enumerate(self.records[0]["settings"]):
            shares = [_shares(record["settings"][number]) for record in records]
            points.append(_point(first["condition"], first["strength"], shares, clean))
        return points

    def judged(self) -> list[SteeringPoint]:
        """The clean model and every condition at the chosen strength, on the judging half."""
        half = self.halves[1] if len(self.records) > 1 else self.halves[0]
        return [each for each in self.points(half) if each.strength in (0.0, self.strength)]

    def verdict(self) -> str:
        """What was found, in a sentence."""
        clean, tried, chance, _, elsewhere = self.judged()
        return (
            f"Drawn to a place at strength {tried.strength:g}, the answer is that of the place in "
            f"{tried.follows.value:.0%} (as it is {clean.follows.value:.0%}, random heads "
            f"{chance.follows.value:.0%}, the same heads drawn elsewhere {elsewhere.follows.value:.0%})."
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per question, setting and place."""
        for record in self.records:
            for setting in record["settings"]:
                for place, answer in enumerate(setting["answers"]):
                    yield {
                        "sample": record["id"],
                        "condition": setting["condition"],
                        "strength": setting["strength"],
                        "place": place,
                        "wanted": record["choices"][place],
                        "answer": answer,
                        "clean": record["clean"],
                        "follows": setting["follows"][place],
                        "other": setting["other"][place],
                    }

    def to_dict(self) -> dict[str, Any]:
        """Verdict, settings on both halves, and the run, as JSON values."""
        return {
            "run": self.run,
            "samples": len(self.records),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "strength": self.strength,
            "judged": [each.to_dict() for each in self.judged()],
            "all": [each.to_dict() for each in self.points()],
        }

    def to_json(self, indent: int | None = None) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def _shares(setting: dict[str, Any]) -> tuple[float, float]:
    """(follows, other) of one question: shares of its places."""
    return float(np.mean(setting["follows"])), float(np.mean(setting["other"]))


def _point(
    condition: str,
    strength: float,
    shares: list[tuple[float, float]],
    clean: list[tuple[float, float]],
) -> SteeringPoint:
    follows, other = np.array(shares).T
    return SteeringPoint(
        condition,
        strength,
        bootstrap(follows),
        bootstrap(other),
        bootstrap(1 - follows - other),
        bootstrap(follows - np.array(clean)[:, 0]),
    )
