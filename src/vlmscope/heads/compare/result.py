"""What a comparison of criteria found: each of them, the controls, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from vlmscope.heads.compare.report import (
    CRITERIA_COLUMNS,
    DIFFERENCES_COLUMNS,
    comparison_page,
)
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadSet
from vlmscope.viewer import View

__all__ = [
    "CRITERIA_COLUMNS",
    "DIFFERENCES_COLUMNS",
    "ControlResult",
    "CriteriaComparison",
    "CriteriaDifference",
    "CriterionResult",
]


@dataclass(frozen=True)
class CriterionResult:
    """One criterion.

    Attributes:
        criterion: its name.
        heads: chosen on all samples, best first.
        pointing, mean_iou: of their combination on held-out samples.
        halves_pointing: pointing of the sets from random halves, mean over the draws.
        stability: mean Jaccard index between the sets of two draws, with the middle 95% of the
            same mean over resampled draws.
        shared: how many of the heads the first criterion chose, too.
        samples: how many it was discovered on.
        skipped: one sentence for every row of discovery that it cannot use.
    """

    criterion: str
    heads: tuple[Head, ...]
    pointing: Interval
    mean_iou: Interval
    halves_pointing: Interval
    stability: Interval
    shared: int
    samples: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class ControlResult:
    """Heads that nobody chose.

    Attributes:
        name: which.
        pointing, mean_iou: on the same held-out samples.
    """

    name: str
    pointing: Interval
    mean_iou: Interval


@dataclass(frozen=True)
class CriteriaDifference:
    """One criterion less another, or less a control.

    Attributes:
        first, second: their names.
        pointing, mean_iou, halves_pointing: paired by image.
        stability: paired by draw; None: the second is a control.
        overlap: mean Jaccard index of both sets from the same half; None likewise.
    """

    first: str
    second: str
    pointing: Interval
    mean_iou: Interval
    halves_pointing: Interval
    stability: Interval | None = None
    overlap: Interval | None = None


@dataclass(frozen=True)
class CriteriaComparison:
    """Criteria beside each other.

    Attributes:
        run: everything needed to repeat the run.
        samples: of discovery, that one criterion at least can use.
        held_out: samples that heads were judged on.
        draws: random halves of the pictures.
        results: in the order asked for.
        controls: the average of all heads that discovery reads, which choosing has to beat, and
            random sets.
        differences: of every two criteria, and of each and the controls.
        failed: criterion -> why it found no heads.
        skipped: one sentence for every held-out row that could not be used.
        chance_pointing: of a token drawn at random.
        sets: criterion -> its heads, to be saved or verified.
        scores: one flat record for each held-out sample and criterion or control.
    """

    run: dict[str, Any]
    samples: int
    held_out: int
    draws: int
    results: tuple[CriterionResult, ...]
    controls: tuple[ControlResult, ...]
    differences: tuple[CriteriaDifference, ...]
    failed: dict[str, str]
    skipped: tuple[str, ...]
    chance_pointing: float
    sets: dict[str, HeadSet] = field(repr=False)
    scores: tuple[dict[str, Any], ...] = field(repr=False)

    def __repr__(self) -> str:
        points = [f"{each.criterion} {each.pointing.value:.2f}" for each in self.results]
        held_out = f"{self.run['model']}, {self.held_out} held-out samples"
        return one_line(self, held_out, ", ".join(points))

    def _repr_html_(self) -> str:
        shown = card(
            f"How heads of {self.run['model']} are chosen",
            table(self.table(), CRITERIA_COLUMNS),
            table(self.differences_table(), DIFFERENCES_COLUMNS),
            lead=f"{self.held_out} held-out samples.",
            notes=self.notes,
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return comparison_page(self).view()

    @property
    def notes(self) -> list[str]:
        """What is missing, as sentences."""
        notes = [f"{name}: no heads. {reason}" for name, reason in self.failed.items()]
        notes += [
            f"{each.criterion}: {_left_out(each.skipped)}" for each in self.results if each.skipped
        ]
        if self.skipped:
            notes.append(f"held out: {_left_out(self.skipped)}")
        return notes

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a criterion or a control each."""
        columns = ["chosen by", "heads", "pointing", "box IoU", "halves point", "stable", "shared"]
        rows: list[list[object]] = [
            [
                each.criterion,
                " ".join(map(str, each.heads)),
                str(each.pointing),
                str(each.mean_iou),
                str(each.halves_pointing),
                str(each.stability),
                f"{each.shared} of {len(each.heads)}",
            ]
            for each in self.results
        ]
        for control in self.controls:
            scores = [str(control.pointing), str(control.mean_iou)]
            rows.append([control.name, None, *scores, None, None, None])
        return columns, rows

    def differences_table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a pair each."""
        columns = ["first less second", "pointing", "box IoU", "halves point", "stable", "overlap"]
        return columns, [
            [
                f"{each.first} less {each.second}",
                *map(_signed, (each.pointing, each.mean_iou, each.halves_pointing, each.stability)),
                None if each.overlap is None else str(each.overlap),
            ]
            for each in self.differences
        ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        results = [{**asdict(r), "heads": [list(head) for head in r.heads]} for r in self.results]
        return {
            "run": self.run,
            "samples": self.samples,
            "held_out": self.held_out,
            "draws": self.draws,
            "results": results,
            "controls": [asdict(each) for each in self.controls],
            "differences": [asdict(each) for each in self.differences],
            "failed": self.failed,
            "skipped": list(self.skipped),
            "chance_pointing": self.chance_pointing,
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record for each held-out sample and criterion or control."""
        yield from self.scores


def _left_out(skipped: tuple[str, ...]) -> str:
    were = "row was" if len(skipped) == 1 else "rows were"
    return f"{len(skipped)} {were} skipped. The first: {skipped[0]}"


def _signed(interval: Interval | None) -> str | None:
    return None if interval is None else interval.signed()
