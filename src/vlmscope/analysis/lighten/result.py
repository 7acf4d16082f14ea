"""What a sweep of lighter passes found, and what is chosen from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.lighten.report import lighten_page
from vlmscope.analysis.lighten.table import LIGHTEN_COLUMNS, lighten_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap
from vlmscope.viewer import View

__all__ = ["LightenPoint", "LightenSweep"]


@dataclass(frozen=True)
class LightenPoint:
    """One layer, share and way of choosing, over some questions.

    Attributes:
        layer: the last that holds all image tokens.
        keep: share of them that later layers hold.
        by: which stay.
        kept: share of answers whose every token is still the likeliest.
        lost: log-probability of the answer that is lost, in nats.
        drop: probability per token that is lost, 1 - (p light / p clean)^(1/tokens).
        flops, cache, seconds: of the clean pass's, computed, computed and measured.
    """

    layer: int
    keep: float
    by: str
    kept: Interval
    lost: Interval
    drop: Interval
    flops: float
    cache: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        plain = {"layer": self.layer, "keep": self.keep, "by": self.by}
        spans = {name: list(getattr(self, name)) for name in ("kept", "lost", "drop")}
        costs = {name: getattr(self, name) for name in ("flops", "cache", "seconds")}
        return {**plain, **spans, **costs}


@dataclass(frozen=True, eq=False)
class LightenSweep:
    """Every setting on every question.

    Attributes:
        run: everything needed to repeat the run.
        ids: digests of the questions.
        records: one per question, in the same order.
        skipped: questions that could not be used, and why.
    """

    run: dict[str, Any]
    ids: tuple[str, ...]
    records: tuple[dict[str, Any], ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        return one_line(self, f"{len(self.ids)} questions, {self.run['model']}", self.verdict())

    def _repr_html_(self) -> str:
        shown = card(
            f"Lighter passes of {self.run['model']}",
            table(lighten_table(self), LIGHTEN_COLUMNS),
            lead=self.verdict(),
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return lighten_page(self).view()

    @property
    def halves(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the questions that choose and of those that judge: every other one by digest."""
        order = np.argsort(self.ids, kind="stable")
        return order[::2], order[1::2]

    def points(self, which: Sequence[int] | NDArray[np.int64]) -> list[LightenPoint]:
        """Every setting over some of the questions."""
        count = len(self.records[0]["settings"])
        return [self._point(number, which) for number in range(count)]

    @property
    def chosen(self) -> LightenPoint:
        """On the choosing half, the least computed cost among settings that lose no more than the
        tolerance; where all lose more, the one that loses least."""
        choosing = [point for point in self.points(self.halves[0]) if point.by == self.run["by"]]
        fine = [point for point in choosing if point.drop.value <= self.run["tolerance"]]
        if fine:
            return min(fine, key=lambda point: (point.flops, point.drop.value))
        return min(choosing, key=lambda point: point.drop.value)

    def judged(self) -> list[LightenPoint]:
        """The chosen layer and share on the judging half, its way of choosing first, then the others."""
        chosen = self.chosen
        same = [
            point
            for point in self.points(self.halves[1])
            if (point.layer, point.keep) == (chosen.layer, chosen.keep)
        ]
        return sorted(same, key=lambda point: point.by != chosen.by)

    def verdict(self) -> str:
        """What was chosen and what it is worth, in a sentence."""
        best = self.judged()[0]
        within = self.chosen.drop.value <= self.run["tolerance"]
        reach = "" if within else " No setting stays within the tolerance; it loses least."
        return (
            f"Chosen: {best.keep:.0%} of the image tokens behind layer {best.layer} ({best.by}). On the "
            f"other half {best.kept.value:.0%} of the answers stay, at {best.flops:.2f} of the "
            f"decoder's FLOPs and {best.cache:.2f} of its cache.{reach}"
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per question and setting."""
        choosing = set(self.halves[0].tolist())
        for number, (digest, record) in enumerate(zip(self.ids, self.records, strict=True)):
            half = "choosing" if number in choosing else "judging"
            for setting in record["settings"]:
                yield {"sample": digest, "half": half, "tokens": record["tokens"], **setting}

    def to_dict(self) -> dict[str, Any]:
        """Choice, settings on both halves, and the run, as JSON values."""
        choosing, judging = self.halves
        return {
            "run": self.run,
            "samples": len(self.ids),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "ids": list(self.ids),
            "chosen": self.chosen.to_dict(),
            "judged": [point.to_dict() for point in self.judged()],
            "choosing": [point.to_dict() for point in self.points(choosing)],
            "judging": [point.to_dict() for point in self.points(judging)],
        }

    def _point(self, number: int, which: Sequence[int] | NDArray[np.int64]) -> LightenPoint:
        records = [self.records[int(index)] for index in which]
        settings = [record["settings"][number] for record in records]
        lost = np.array([each["log_prob_lost"] for each in settings])
        tokens = np.array([record["tokens"] for record in records])
        first = settings[0]
        return LightenPoint(
            first["layer"],
            first["keep"],
            first["by"],
            bootstrap([float(each["kept"]) for each in settings]),
            bootstrap(lost),
            bootstrap(-np.expm1(-lost / tokens)),
            float(np.mean([each["flops"] for each in settings])),
            float(np.mean([each["cache"] for each in settings])),
            sum(each["seconds"] for each in settings) / sum(each["seconds"] for each in records),
        )
