"""A sweep over compressed contexts as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.analysis.context.table import CONTEXT_COLUMNS, context_table
from vlmscope.analysis.record import run_section
from vlmscope.report import Page, Series, curves
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.context.curve import ContextCurve, ContextPoint

__all__ = ["context_page"]

_EXAMPLES = 5  # pictures shown on the page


def context_page(curve: ContextCurve, command: str = "") -> Page:
    """The page."""
    page = Page(
        f"Answers of {curve.run['model']} from less of the image",
        f"{curve.samples} questions on {len(curve.records)} pictures. {_lead(curve)}",
    )
    page.text(
        "The image is read once; in each layer's cache the chosen share of its tokens stays, at the "
        "positions where they were computed, with all tokens of the text. Questions are answered from "
        "that alone. Random tokens are the control: a measure that is not above them has chosen nothing."
    )
    page.plot(
        curves(_series(curve), x=_shares(curve), x_label="share kept", y_label=_measured(curve)),
        "Mean with its 95% interval over pictures.",
    )
    page.table(*context_table(curve), note=CONTEXT_COLUMNS)
    page.heading("Examples")
    for record in curve.records[:_EXAMPLES]:
        for place, asked in enumerate(record["questions"]):
            page.subheading(asked["question"])
            page.table(["measure", "kept", "answered"], _answers(record, place))
    run_section(page, curve.run, command)
    return page


def _lead(curve: ContextCurve) -> str:
    """Which measure is clearly above random tokens somewhere, or that none is."""
    above = [p for p in curve.points if p.over_random is not None and p.over_random.low > 0]
    below = [p for p in curve.points if p.over_random is not None and p.over_random.high < 0]
    if all(point.over_random is None for point in curve.points):
        return "Random tokens, the control, were not tried."
    return f"Clearly better than random tokens: {_named(above)}; clearly worse: {_named(below)}."


def _named(points: list[ContextPoint]) -> str:
    return ", ".join(f"{point.by} at {point.keep:.0%}" for point in points) or "nothing"


def _shares(curve: ContextCurve) -> list[float]:
    return sorted({point.keep for point in curve.points})


def _measured(curve: ContextCurve) -> str:
    return "agreement" if curve.points[0].accuracy is None else "accuracy"


def _value(point: ContextPoint) -> Interval:
    return point.agreement if point.accuracy is None else point.accuracy


def _series(curve: ContextCurve) -> list[Series]:
    found: dict[str, dict[float, Interval]] = {}
    for point in curve.points:
        found.setdefault(point.by, {})[point.keep] = _value(point)
    return [Series(by, [values[keep] for keep in _shares(curve)]) for by, values in found.items()]


def _answers(record: dict[str, Any], place: int) -> list[list[object]]:
    return [
        [context["by"], f"{context['keep']:.0%}", context["answers"][place]]
        for context in record["contexts"]
    ]
