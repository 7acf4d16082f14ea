"""A trial of steering as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmscope.analysis.steering.result import SteeringPoint, SteeringTrial

__all__ = ["CONDITIONS", "STEERING_COLUMNS", "points_table", "steering_table"]

CONDITIONS = ("these heads", "random heads", "every head", "these heads, another place")
"""What is drawn, and where to; the first is what is tried, the others are controls."""

STEERING_COLUMNS = (
    "follows: share of places whose own answer is given with heads drawn to them; other: the answer of "
    "another place is given; neither: no place's answer; more: how much more follow than without steering, "
    "on the same questions. 95% bootstrap intervals over the questions of the half that did not choose the "
    "strength."
)
"""What the columns of :func:`steering_table` hold."""

_COLUMNS = ["what is drawn", "strength", "follows", "other", "neither", "more"]


def steering_table(trial: SteeringTrial) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: every condition at the chosen strength, on the judging half."""
    return points_table(trial.judged())


def points_table(points: Iterable[SteeringPoint]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of some settings."""
    rows: list[list[object]] = [
        [
            each.condition,
            f"{each.strength:g}",
            *(str(span) for span in (each.follows, each.other, each.neither, each.more)),
        ]
        for each in points
    ]
    return list(_COLUMNS), rows
