"""A sweep of lighter passes as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.lighten.table import LIGHTEN_COLUMNS, lighten_table, points_table
from vlmscope.analysis.record import run_section
from vlmscope.attention import WAYS
from vlmscope.report import Page, Series, curves

if TYPE_CHECKING:
    from vlmscope.analysis.lighten.point import LightenPoint
    from vlmscope.analysis.lighten.result import LightenSweep

__all__ = ["lighten_page"]


def lighten_page(sweep: LightenSweep, command: str = "") -> Page:
    """The page.

    Args:
        sweep: what was found.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"How much of the image {sweep.run['model']} can leave out", sweep.verdict())
    page.caveat(
        f"{'The window of layers is' if sweep.windowed else 'Layer and share are'} chosen on one half of "
        "the questions; everything here is of the other. "
        "Time is of this machine and of short prompts; FLOPs and cache are computed."
    )
    page.heading(f"What was chosen, beside other {'layers' if sweep.windowed else 'tokens'}")
    page.table(*lighten_table(sweep), note=LIGHTEN_COLUMNS)
    points = sweep.points(sweep.halves[1])
    if sweep.windowed:
        _windows_section(page, points)
    else:
        page.heading("By layer")
        for keep in dict.fromkeys(point.keep for point in points):
            _share_section(page, [point for point in points if point.keep == keep])
    page.heading("Every setting")
    page.table(*points_table(points), note=LIGHTEN_COLUMNS)
    run_section(page, sweep.run, command)
    return page


def _share_section(page: Page, points: list[LightenPoint]) -> None:
    layers = sorted({point.layer for point in points})
    if layers != list(range(layers[0], layers[0] + len(layers))) or layers[0] != 0:
        return  # the axis of the plot counts layers from 0 on
    series = [Series(by, [point.drop for point in points if point.by == by]) for by in WAYS]
    page.plot(
        curves(series, y_label="probability per token lost"),
        f"{points[0].keep:.0%} of the image tokens stay behind the layer on the axis; mean over "
        "questions with its 95% bootstrap interval.",
    )


def _windows_section(page: Page, points: list[LightenPoint]) -> None:
    """What every window loses, from its first layer (rows) to its last (columns)."""
    drops = {point.window: point.drop.value for point in points if point.window is not None}
    firsts = sorted({first for first, _ in drops})
    lasts = sorted({last for _, last in drops})
    page.heading("By first and last layer")
    page.table(
        ["read from layer", *(f"to {last}" for last in lasts)],
        [[str(first), *(_lost(drops.get((first, last))) for last in lasts)] for first in firsts],
        note="Probability per token of the answer that is lost, mean over the questions; - was not tried.",
    )


def _lost(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
