"""Faithfulness as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vlmscope.analysis.faithfulness.orders import RANDOM
from vlmscope.analysis.faithfulness.table import (
    FAITHFULNESS_COLUMNS,
    agreement_table,
    faithfulness_table,
)
from vlmscope.analysis.record import run_section
from vlmscope.report import Page, Series, curves
from vlmscope.stats import bootstrap_ratios
from vlmscope.viewer.blocks import Block

if TYPE_CHECKING:
    from vlmscope.analysis.faithfulness.result import Faithfulness

__all__ = ["AXES", "CAVEAT", "curve_plot", "faithfulness_page"]

CAVEAT = (
    "A picture with regions painted over is unlike anything the model was trained on, and an image token "
    "that the text still reads may carry what a hidden one showed: the two forms err in different ways. A "
    "map can be faithful and miss the object, where the model answers from something else."
)

AXES = {
    "deletion": "share of the picture that is removed",
    "insertion": "share of the picture that is shown",
}
"""Each way of taking regions away, and what its curve runs over."""


def faithfulness_page(result: Faithfulness, command: str = "") -> Page:
    """The page.

    Args:
        result: what is shown.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(
        f"Do these maps say what {result.run['model']} needs?", " ".join(_sentences(result))
    )
    page.caveat(CAVEAT)
    page.heading("Areas")
    page.table(*faithfulness_table(result), note=FAITHFULNESS_COLUMNS)
    if result.agreement:
        page.heading("Do the two forms agree?")
        page.table(*agreement_table(result), note="Over questions; in brackets 95% intervals.")
    for form in result.forms:
        page.heading(f"Curves, in {form}")
        for way in AXES:
            page.plot(
                curve_plot(result, form, way), f"{way.capitalize()}, mean over the questions."
            )
    run_section(page, result.run, command)
    return page


def _sentences(result: Faithfulness) -> Iterator[str]:
    yield f"{len(result.records)} questions."
    for form in result.forms:
        scores = [each for each in result.scores if each.form == form and each.name != RANDOM]
        best = max(scores, key=lambda each: each.gap.value)
        yield (
            f"In {form}, {best.name} has the widest gap between insertion and deletion: {best.gap}; "
            f"{result.work[form]:.0%} of what plain passes compute."
        )
    if result.skipped:
        yield f"{len(result.skipped)} questions could not be used."


def curve_plot(result: Faithfulness, form: str, way: str) -> Block:
    """The curves of every map in one form, one of :data:`AXES`."""
    series = []
    for name in result.maps:
        shares, values = result.curve(name, form, way)
        intervals = bootstrap_ratios(values, [1.0] * len(values), seed=result.seed)
        series.append(Series(name, list(intervals)))
    return curves(series, x=shares.tolist(), x_label=AXES[way], y_label="probability of the answer")
