"""A sweep of lighter passes as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.lighten.table import LIGHTEN_COLUMNS, lighten_table, points_table
from vlmscope.analysis.record import run_section
from vlmscope.attention import WAYS
from vlmscope.report import Page, Series, curves

if TYPE_CHECKING:
    from vlmscope.analysis.lighten.result import LightenPoint, LightenSweep

__all__ = ["lighten_page"]


def lighten_page(sweep: LightenSweep, command: str = "") -> Page:
    """The page.

    Args:
        sweep: what was found.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"How much of the image {sweep.run['model']} can leave out", sweep.verdict())
    page.caveat(
        "Layer and share are chosen on one half of the questions; everything here is of the other. "
        "Time is of this machine and of short prompts; FLOPs and cache are computed."
    )
    page.heading("What was chosen, beside other tokens")
    page.table(*lighten_table(sweep), note=LIGHTEN_COLUMNS)
    points = sweep.points(sweep.halves[1])
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
