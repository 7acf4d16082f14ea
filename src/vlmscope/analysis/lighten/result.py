"""What a sweep of lighter passes found, and what is chosen from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.lighten.controls import UNRELATED, control_drops, rank_beside
from vlmscope.analysis.lighten.point import LightenPoint, point_of, probability_lost
from vlmscope.analysis.lighten.report import lighten_page
from vlmscope.analysis.lighten.settings import named_windows
from vlmscope.analysis.lighten.table import LIGHTEN_COLUMNS, lighten_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.viewer import View

__all__ = ["LightenSweep"]


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

    @property
    def windowed(self) -> bool:
        """Whether windows of layers are tried, in place of layers and shares."""
        return bool(self.run.get("read", "").strip())

    def points(self, which: Sequence[int] | NDArray[np.int64]) -> list[LightenPoint]:
        """Every setting over some of the questions."""
        records = [self.records[int(index)] for index in which]
        columns = list(zip(*(record["settings"] for record in records), strict=True))
        drops = [probability_lost(records, column) for column in columns]
        places = [column[0] for column in columns]
        return [
            point_of(records, column, control_drops(places, number, drops))
            for number, column in enumerate(columns)
        ]

    @property
    def chosen(self) -> LightenPoint:
        """On the choosing half, the least computed cost among settings that lose no more than the
        tolerance, of windows of one cost that of the fewest layers; where all lose more, the one that
        loses least."""
        choosing = [point for point in self.points(self.halves[0]) if self._may_be_chosen(point)]
        fine = [point for point in choosing if point.drop.value <= self.run["tolerance"]]
        if fine:
            return min(fine, key=lambda point: (point.flops, -(point.first or 0), point.drop.value))
        return min(choosing, key=lambda point: point.drop.value)

    def judged(self) -> list[LightenPoint]:
        """What was chosen on the judging half, then its controls: other ways of choosing tokens, or
        the same end read from the first layer on, windows of as many layers elsewhere, and none."""
        chosen, points = self.chosen, self.points(self.halves[1])
        ranks = [rank_beside(chosen, point) for point in points]
        order = sorted(range(len(points)), key=lambda at: ranks[at])
        return [points[at] for at in order if ranks[at] < UNRELATED]

    def verdict(self) -> str:
        """What was chosen and what it is worth, in a sentence."""
        best = self.judged()[0]
        within = self.chosen.drop.value <= self.run["tolerance"]
        reach = "" if within else " No setting stays within the tolerance; it loses least."
        if best.window is None:
            what = f"{best.keep:.0%} of the image tokens behind layer {best.layer} ({best.by})"
        else:
            what = f"text reads the image in layers {best.first} to {best.layer} only"
        return (
            f"Chosen: {what}. On the "
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

    def _may_be_chosen(self, point: LightenPoint) -> bool:
        if not self.windowed:
            return point.by == self.run["by"]
        last = max(setting["layer"] for setting in self.records[0]["settings"])
        return point.window in named_windows(self.run["read"], last + 1)
