"""Faithfulness as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.faithfulness.orders import RANDOM
from vlmscope.markup import Table
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.faithfulness.result import Faithfulness, MapScore

__all__ = ["FAITHFULNESS_COLUMNS", "agreement_table", "faithfulness_table"]

FAITHFULNESS_COLUMNS = (
    "deletion: area under the answer's probability while the map's strongest regions are removed first, "
    "low is good; insertion: while they alone are shown, high is good; gap: insertion less deletion; over "
    "random: gap less that of a random order on the same questions; above 0: share of questions with a "
    "gap above 0; in brackets 95% intervals."
)
"""What the columns of :func:`faithfulness_table` hold."""


def faithfulness_table(result: Faithfulness) -> Table:
    """Columns and rows: per form each map, its reverse, and the random order."""
    columns = ["form", "order", "deletion", "insertion", "gap", "over random", "above 0"]
    rows: list[list[object]] = []
    for score in result.scores:
        rows.append(_row(score))
        if score.name != RANDOM:
            rows.append(_reverse(score))
    return columns, rows


def _row(score: MapScore) -> list[object]:
    return [
        score.form,
        score.name,
        str(score.deletion),
        str(score.insertion),
        _signed(score.gap),
        None if score.over_random is None else _signed(score.over_random),
        f"{score.above_zero.value:.0%}",
    ]


def _reverse(score: MapScore) -> list[object]:
    """The reverse removes first what the map reveals last: its curves are the map's, exchanged."""
    value, low, high = score.gap
    turned = _signed(Interval(-value, -high, -low))
    return [
        score.form,
        f"{score.name}, reversed",
        str(score.insertion),
        str(score.deletion),
        turned,
        None,
        None,
    ]


def agreement_table(result: Faithfulness) -> Table:
    """Columns and rows: per map how far the two forms agree; no rows where one form was run."""
    columns = ["map", "rank correlation of the gaps", "same sign"]
    return columns, [
        [each.name, None if each.rank is None else _signed(each.rank), str(each.same_sign)]
        for each in result.agreement
    ]


def _signed(interval: Interval) -> str:
    value, low, high = interval
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
