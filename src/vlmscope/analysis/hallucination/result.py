"""Mentions of objects with their signs, and how well each sign tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.hallucination.detection import Mentions, base_rates
from vlmscope.analysis.hallucination.report import hallucination_page
from vlmscope.analysis.hallucination.signs import BASE_RATE, CONTROLS, SIGNS
from vlmscope.analysis.hallucination.table import (
    HALLUCINATION_COLUMNS,
    hallucination_table,
    summary,
)
from vlmscope.data.datasets import Skipped
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval
from vlmscope.viewer import View

__all__ = ["ChosenSign", "HallucinationScores", "SignScore"]


class SignScore(NamedTuple):
    """How well a sign tells.

    Attributes:
        sign: its name.
        area: AUROC; None where all mentions are real, or none is; so are the others.
        beyond: that area less the area of the answer's own probability, over the same draws.
        precision: AUPRC of the imagined.
        f1: of the imagined, at a threshold from the other half.
    """

    sign: str
    area: Interval | None
    beyond: Interval | None
    precision: Interval | None
    f1: Interval | None


class ChosenSign(NamedTuple):
    """The best sign on one half of the images, the controls left out, measured on the other half.

    Attributes:
        sign: its name.
        area: AUROC on the other half.
        beyond: that less the area of the answer's own probability there.
    """

    sign: str
    area: Interval
    beyond: Interval


@dataclass(frozen=True, eq=False)
class HallucinationScores:
    """What was found.

    Attributes:
        run: everything needed to repeat the run.
        mentions: ``{"image", "id", "object", "word", "real", "signs": {...}}`` each.
        silent: reason -> how many answers assert nothing for it.
        answers: how many questions were answered.
        skipped: images that could not be used.
        seed: of the bootstraps.
        bare: how many answers describe a picture of which nobody names an object, so that all that they
            name counts as imagined.
    """

    run: dict[str, Any] = field(repr=False)
    mentions: Sequence[Mapping[str, Any]] = field(repr=False)
    silent: Mapping[str, int]
    answers: int
    skipped: tuple[Skipped, ...] = ()
    seed: int = 0
    bare: int = 0

    def __repr__(self) -> str:
        return one_line(
            self,
            f"{len(self.mentions)} mentions in {self.answers} answers",
            f"{self.imagined} imagined",
        )

    def _repr_html_(self) -> str:
        first, *rest = summary(self)
        shown = card(
            f"Which sign tells what {self.run['model']} imagines",
            table(hallucination_table(self), HALLUCINATION_COLUMNS),
            lead=f"{first}.",
            notes=rest,
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return hallucination_page(self).view()

    @property
    def imagined(self) -> int:
        """How many mentions are of what is not there."""
        return sum(not each["real"] for each in self.mentions)

    def values(self, sign: str) -> NDArray[np.float64]:
        """Float (mentions,): a sign of each."""
        if sign == BASE_RATE:
            return base_rates([each["object"] for each in self.mentions], self._table)
        return np.array([each["signs"][sign] for each in self.mentions], dtype=float)

    @cached_property
    def scores(self) -> tuple[SignScore, ...]:
        """Each sign's, the controls first."""
        return tuple(self._score(sign) for sign in SIGNS)

    @cached_property
    def chosen(self) -> tuple[ChosenSign, ...]:
        """Chosen on every other image and measured on the rest, and the other way round.

        Empty where a half has real ones or imagined ones alone.
        """
        first = self._table.first_half
        halves = [(mine, self._table.among(mine)) for mine in (first, ~first)]
        if not all(half.both for _, half in halves):
            return ()
        return tuple(self._chosen(*one, *two) for one, two in (halves, halves[::-1]))

    def _chosen(
        self,
        mine: NDArray[np.bool_],
        half: Mentions,
        rest: NDArray[np.bool_],
        other: Mentions,
    ) -> ChosenSign:
        areas = {
            sign: half.area(self.values(sign)[mine], self.seed).value
            for sign in SIGNS
            if sign not in CONTROLS
        }
        best = max(areas, key=areas.__getitem__)
        values, own = self.values(best)[rest], self.values(CONTROLS[0])[rest]
        return ChosenSign(
            best, other.area(values, self.seed), other.area_beyond(values, own, self.seed)
        )

    @cached_property
    def _table(self) -> Mentions:
        return Mentions(
            [each["real"] for each in self.mentions], [each["image"] for each in self.mentions]
        )

    def _score(self, sign: str) -> SignScore:
        table = self._table
        if not table.both:
            return SignScore(sign, None, None, None, None)
        values, own = self.values(sign), self.values(CONTROLS[0])
        return SignScore(
            sign,
            table.area(values, self.seed),
            table.area_beyond(values, own, self.seed),
            table.precision(values, self.seed),
            table.f1(values, self.seed),
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """A flat row per mention."""
        for each in self.mentions:
            yield {**{k: v for k, v in each.items() if k != "signs"}, **each["signs"]}

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "format": "vlmscope-hallucination/1",
            "run": self.run,
            "answers": self.answers,
            "mentions": len(self.mentions),
            "imagined": self.imagined,
            "silent": dict(self.silent),
            "bare": self.bare,
            "scores": {each.sign: _score_record(each) for each in self.scores},
            "chosen": [
                {"sign": e.sign, "AUROC": list(e.area), "AUROC beyond probability": list(e.beyond)}
                for e in self.chosen
            ],
            "signs": dict(SIGNS),
            "skipped": [each._asdict() for each in self.skipped],
            "each": [dict(each) for each in self.mentions],
        }


def _score_record(score: SignScore) -> dict[str, Any]:
    names = {
        "area": "AUROC",
        "beyond": "AUROC beyond probability",
        "precision": "AUPRC",
        "f1": "F1",
    }
    return {
        name: None if (interval := getattr(score, key)) is None else list(interval)
        for key, name in names.items()
    }
