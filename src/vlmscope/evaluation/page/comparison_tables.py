"""The tables of runs held against one of them: printed, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from vlmscope.evaluation.breakdowns.comparisons import Comparisons
from vlmscope.evaluation.page.tables import ReportTable
from vlmscope.metrics.paired import Paired
from vlmscope.stats import Interval

__all__ = ["comparison_tables"]

_NOTHING = "–"


def comparison_tables(comparisons: Comparisons | None) -> Iterator[ReportTable]:
    """Every run against the base, and where halves were asked for what a choice is worth."""
    if comparisons is None:
        return
    yield _of_runs(comparisons)
    if comparisons.crossed:
        yield _of_choices(comparisons)


def _of_runs(comparisons: Comparisons) -> ReportTable:
    halves = any(each.halves for each in comparisons.runs)
    rows = tuple(
        (
            each.run,
            each.metric,
            _shown(each.paired.ratio),
            _shown(each.paired.difference),
            *([" / ".join(map(_value, each.halves))] if halves else []),
            f"{each.images:,}",
        )
        for each in comparisons.runs
    )
    heads = (
        "run",
        "score",
        "ratio",
        "difference",
        *(["ratio on halves"] if halves else []),
        "images",
    )
    note = comparisons.rule[0].upper() + comparisons.rule[1:] + "."
    return ReportTable(f"Compared with {comparisons.base}", heads, rows, note)


def _of_choices(comparisons: Comparisons) -> ReportTable:
    rows = tuple(
        (
            each.metric,
            *each.chosen,
            _shown(each.score),
            _shown(each.paired.ratio),
            _shown(each.paired.difference),
        )
        for each in comparisons.crossed
    )
    base = comparisons.base
    heads = ("score", "on half 1", "on half 2", "value", f"over {base}", f"less {base}")
    note = "The run named for a half was the best of all on the other half."
    return ReportTable("Chosen on one half, scored on the other", heads, rows, note)


def _shown(interval: Interval | None) -> str:
    return _NOTHING if interval is None else str(interval)


def _value(paired: Paired) -> str:
    return _NOTHING if paired.ratio is None else f"{paired.ratio.value:.3f}"
