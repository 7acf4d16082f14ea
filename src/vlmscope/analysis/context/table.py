"""A sweep over compressed contexts as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmscope.analysis.context.curve import ContextCurve, ContextPoint

__all__ = ["CONTEXT_COLUMNS", "MME_SHOWN", "context_table"]

MME_SHOWN = ("MME ACC+", "MME perception", "MME cognition")
"""Scores of MME that are shown beside its ACC, which is the accuracy."""

CONTEXT_COLUMNS = (
    "kept: share of the image tokens; accuracy: answers that a reference agrees with; agreement: answers "
    "that are those from the whole image; over random: accuracy (without references agreement) less that "
    "of random tokens of the same share; tokens: positions kept in a layer, on average; neither: answers "
    "of MME that are neither yes nor no and count as wrong; in brackets 95% intervals."
)
"""What the columns of :func:`context_table` hold."""


def context_table(curve: ContextCurve) -> tuple[list[str], list[list[object]]]:
    """Columns and rows, a measure with a share each."""
    yes_no = any(point.mme is not None for point in curve.points)
    columns = ["measure", "kept", "accuracy", "agreement", "over random"]
    columns += [*MME_SHOWN, "neither"] if yes_no else []
    columns += ["tokens", "MiB", "seconds"]
    return columns, [_row(point, yes_no) for point in curve.points]


def _row(point: ContextPoint, yes_no: bool) -> list[object]:
    scores = dict(point.mme or {})
    shown = [_text(scores.get(name)) for name in MME_SHOWN]
    return [
        point.by,
        f"{point.keep:.0%}",
        _text(point.accuracy),
        str(point.agreement),
        _text(point.over_random),
        *([*shown, point.neither] if yes_no else []),
        point.tokens,
        point.size / 2**20,
        point.seconds,
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
