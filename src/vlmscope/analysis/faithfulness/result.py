"""What taking regions away showed of each map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.faithfulness.agreement import FormAgreement, form_agreement
from vlmscope.analysis.faithfulness.orders import RANDOM
from vlmscope.analysis.faithfulness.report import faithfulness_page
from vlmscope.analysis.faithfulness.table import FAITHFULNESS_COLUMNS, faithfulness_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import UnknownNameError
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap
from vlmscope.viewer import View

__all__ = ["WAYS", "Faithfulness", "MapScore", "area_under"]

WAYS = ("deletion", "insertion")

_POINTS = 41  # of a mean curve


@dataclass(frozen=True)
class MapScore:
    """One map in one form, over all questions.

    Attributes:
        form: ``tokens`` or ``pixels``.
        name: of the map, or ``random``.
        deletion: area under the probability against the share of the picture that is removed.
        insertion: area under it against the share that is revealed. The map's own reverse has
            ``deletion`` for its insertion and ``insertion`` for its deletion.
        gap: insertion less deletion; of the reverse its negative, of a random order 0 in the mean.
        over_random: gap less that of the random order on the same questions; None for that itself.
        above_zero: share of questions whose gap is above 0.
    """

    form: str
    name: str
    deletion: Interval
    insertion: Interval
    gap: Interval
    over_random: Interval | None
    above_zero: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "form": self.form,
            "map": self.name,
            **{name: list(getattr(self, name)) for name in (*WAYS, "gap", "above_zero")},
            "over_random": None if self.over_random is None else list(self.over_random),
        }


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Curves and areas of every map.

    Attributes:
        run: everything needed to repeat the run.
        records: per question ``question``, ``answer``, ``followed`` (how many of its tokens),
            ``regions``, ``removed`` (shares, 0 to 1) and ``forms``: per form ``orders`` (per map
            ``deletion`` and ``insertion``, a probability per share), ``rows_run``, ``rows_plain``.
        skipped: questions that could not be used, and why.
        seed: of the intervals.
    """

    run: dict[str, Any]
    records: tuple[dict[str, Any], ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()
    seed: int = 0

    def __repr__(self) -> str:
        return one_line(
            self,
            f"{len(self.records)} questions, {self.run['model']}",
            *(
                f"{each.form} {each.name}: gap {each.gap.value:+.3f}"
                for each in self.scores
                if each.name != RANDOM
            ),
            f"{len(self.skipped)} skipped" if self.skipped else "",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"Do these maps say what {self.run['model']} needs?",
            table(faithfulness_table(self), FAITHFULNESS_COLUMNS),
            lead=f"{len(self.records)} questions.",
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return faithfulness_page(self).view()

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms that were run."""
        return tuple(self.records[0]["forms"])

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps that every question has, the random order last."""
        every = [set(record["forms"][self.forms[0]]["orders"]) for record in self.records]
        first = self.records[0]["forms"][self.forms[0]]["orders"]
        return tuple(name for name in first if all(name in names for names in every))

    @cached_property
    def scores(self) -> tuple[MapScore, ...]:
        """One per form and map, the random order last of each form."""
        return tuple(self._score(form, name) for form in self.forms for name in self.maps)

    def score(self, name: str, form: str | None = None) -> MapScore:
        """Of one map; of the first form unless one is named.

        Raises:
            UnknownNameError: a map or a form that there is none of.
        """
        form = self.forms[0] if form is None else form
        _check(name, self.maps, "map")
        _check(form, self.forms, "form")
        return next(each for each in self.scores if (each.form, each.name) == (form, name))

    def areas(self, name: str, form: str, way: str) -> NDArray[np.float64]:
        """Float (questions,): the area under one curve of each question."""
        return np.array(
            [
                area_under(self._curve(record, name, form, way), record["removed"])
                for record in self.records
            ]
        )

    def gaps(self, name: str, form: str) -> NDArray[np.float64]:
        """Float (questions,): insertion less deletion."""
        return self.areas(name, form, "insertion") - self.areas(name, form, "deletion")

    def curve(
        self, name: str, form: str, way: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares and probabilities, float (points,) and (questions, points), between points linear."""
        shares = np.linspace(0, 1, _POINTS)
        values = [
            np.interp(shares, record["removed"], self._curve(record, name, form, way))
            for record in self.records
        ]
        return shares, np.array(values)

    @cached_property
    def agreement(self) -> tuple[FormAgreement, ...]:
        """How far the two forms agree, per map; empty where only one was run."""
        if len(self.forms) < 2:
            return ()
        return tuple(
            form_agreement(name, *(self.gaps(name, form) for form in self.forms), seed=self.seed)
            for name in self.maps
        )

    @property
    def work(self) -> dict[str, float]:
        """Per form the positions that ran, as a share of those of plain passes for every point."""
        return {
            form: sum(record["forms"][form]["rows_run"] for record in self.records)
            / sum(record["forms"][form]["rows_plain"] for record in self.records)
            for form in self.forms
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per question, form and map."""
        for form in self.forms:
            for name in self.maps:
                areas = zip(*(self.areas(name, form, way) for way in WAYS), strict=True)
                for record, (deletion, insertion) in zip(self.records, areas, strict=True):
                    ends = record["forms"][form]["orders"][name]["deletion"]
                    yield {
                        "id": record["id"],
                        "question": record["question"],
                        "answer": record["answer"],
                        "form": form,
                        "map": name,
                        "clean": ends[0],
                        "blank": ends[-1],
                        "deletion": float(deletion),
                        "insertion": float(insertion),
                        "gap": float(insertion - deletion),
                    }

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "samples": len(self.records),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "scores": [each.to_dict() for each in self.scores],
            "agreement": [each.to_dict() for each in self.agreement],
            "work": self.work,
            "questions": list(self.records),
        }

    def to_json(self, indent: int | None = None) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def _score(self, form: str, name: str) -> MapScore:
        gaps = self.gaps(name, form)
        paired = None if name == RANDOM else gaps - self.gaps(RANDOM, form)
        return MapScore(
            form,
            name,
            self._interval(self.areas(name, form, "deletion")),
            self._interval(self.areas(name, form, "insertion")),
            self._interval(gaps),
            None if paired is None else self._interval(paired),
            self._interval((gaps > 0).astype(float)),
        )

    def _interval(self, values: NDArray[np.float64]) -> Interval:
        return bootstrap(values, seed=self.seed)

    def _curve(self, record: dict[str, Any], name: str, form: str, way: str) -> list[float]:
        values: list[float] = record["forms"][form]["orders"][name][way]
        return values


def area_under(values: list[float], shares: list[float]) -> float:
    """Under a line through points whose shares are ascending, by trapezoids."""
    heights = (np.array(values[1:]) + np.array(values[:-1])) / 2
    return float(heights @ np.diff(shares))


def _check(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        raise UnknownNameError(kind, name, known)
