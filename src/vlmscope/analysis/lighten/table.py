"""A sweep of lighter passes as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmscope.analysis.lighten.result import LightenPoint, LightenSweep

__all__ = ["LIGHTEN_COLUMNS", "lighten_table", "points_table"]

LIGHTEN_COLUMNS = (
    "answers kept: share of answers whose every token is still the likeliest; nats lost: of the whole "
    "answer; drop: probability per token that is lost; FLOPs and cache: of the clean pass's, computed for "
    "the decoder's layers; time: of the clean pass's, measured, vision tower included. 95% intervals over "
    "the questions of the half that did not choose."
)
"""What the columns of :func:`lighten_table` hold."""

_COLUMNS = ["tokens that stay", "layer", "share", "answers kept", "nats lost", "drop"]
_COSTS = ["FLOPs", "cache", "time"]


def lighten_table(sweep: LightenSweep) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: the chosen layer and share by every way of choosing tokens, on the other half."""
    return points_table(sweep.judged())


def points_table(points: Iterable[LightenPoint]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of some settings."""
    rows: list[list[object]] = [
        [
            each.by,
            each.layer,
            f"{each.keep:.0%}",
            *(str(span) for span in (each.kept, each.lost, each.drop)),
            each.flops,
            each.cache,
            each.seconds,
        ]
        for each in points
    ]
    return [*_COLUMNS, *_COSTS], rows
