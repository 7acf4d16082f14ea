"""A sweep of lighter passes as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.lighten.point import LightenPoint
    from vlmscope.analysis.lighten.result import LightenSweep

__all__ = ["LIGHTEN_COLUMNS", "lighten_table", "points_table"]

LIGHTEN_COLUMNS = (
    "answers kept: share of answers whose every token is still the likeliest; nats lost: of the whole "
    "answer; drop: probability per token that is lost; saved: how much less is lost than by random tokens "
    "(of a window: than by the mean of windows of as many layers elsewhere), question by question; FLOPs "
    "and cache: of the clean pass's, computed for the decoder's layers; time: of the clean pass's, "
    "measured, vision tower included; object kept: share of the object asked about whose tokens stay, where "
    "questions bring its mask. 95% intervals over the questions of the half that did not choose."
)
"""What the columns of :func:`lighten_table` hold."""

_OF_SHARES = ["tokens that stay", "layer", "share"]
_OF_WINDOWS = ["text reads the image in", "layers"]
_MEASURED = ["answers kept", "nats lost", "drop", "saved", "FLOPs", "cache", "time"]
_OBJECT = ["object kept"]


def lighten_table(sweep: LightenSweep) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: what was chosen beside its controls, on the other half."""
    points = sweep.judged()
    if not sweep.windowed:
        return points_table(points)
    columns, rows = points_table(points)
    kinds = [_kind(points[0], point) for point in points]
    return columns, [[kind, *row[1:]] for kind, row in zip(kinds, rows, strict=True)]


def points_table(points: Sequence[LightenPoint]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of some settings."""
    windowed = points[0].window is not None
    place = _window if windowed else _share
    columns = _OF_WINDOWS if windowed else _OF_SHARES
    masked = any(point.object_kept is not None for point in points)
    return [*columns, *_MEASURED, *_OBJECT[: int(masked)]], [
        [*place(each), *_measured(each), *_object(each)[: int(masked)]] for each in points
    ]


def _share(point: LightenPoint) -> list[object]:
    return [point.by, point.layer, f"{point.keep:.0%}"]


def _window(point: LightenPoint) -> list[object]:
    if point.window is None:
        return ["no layer", "-"]
    return ["a window", f"{point.first}-{point.layer}"]


def _kind(chosen: LightenPoint, point: LightenPoint) -> str:
    """What a row stands for beside the chosen window."""
    if point.window is None:
        return "no layer"
    if point.window == chosen.window:
        return "the chosen window"
    if point.window == (0, chosen.layer):
        return "all layers to its end"
    return "as many layers elsewhere"


def _measured(point: LightenPoint) -> list[object]:
    spans = (point.kept, point.lost, point.drop)
    saved = None if point.saved is None else _signed(point.saved)
    return [*(str(span) for span in spans), saved, point.flops, point.cache, point.seconds]


def _object(point: LightenPoint) -> list[object]:
    return [None if point.object_kept is None else str(point.object_kept)]


def _signed(interval: Interval) -> str:
    value, low, high = interval
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
