"""An explanation of a served model's answer as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.endpoint.table import (
    EXPLANATION_COLUMNS,
    explanation_table,
    token_table,
)
from vlmscope.analysis.faithfulness.report import AXES, curve_plot
from vlmscope.analysis.faithfulness.table import FAITHFULNESS_COLUMNS, faithfulness_table
from vlmscope.analysis.record import run_section
from vlmscope.report import Page
from vlmscope.results.scene import scene_block

if TYPE_CHECKING:
    from vlmscope.analysis.endpoint.result import EndpointExplanation

__all__ = ["CAVEAT", "explanation_page"]

CAVEAT = (
    "A picture with a part painted over is unlike anything the model was trained on. What the answer can "
    "be read from in two places, hiding one of them does not show."
)


def explanation_page(result: EndpointExplanation, command: str = "") -> Page:
    """The page.

    Args:
        result: what is shown.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"{result.question} → {result.answer}", _lead(result))
    for warning in result.warnings:
        page.caveat(warning)
    page.caveat(CAVEAT)
    # the lines that repeat a grounding are those of a model that is loaded
    scene = scene_block(result.grounding)
    page.add({**scene, "warnings": [], "evidence": [], "python": None, "command": None})
    page.table(*explanation_table(result), note=EXPLANATION_COLUMNS)
    if result.curves is not None:
        page.heading("Does the answer need what the map lights up?")
        page.table(*faithfulness_table(result.curves), note=FAITHFULNESS_COLUMNS)
        for way in AXES:
            page.plot(curve_plot(result.curves, "pixels", way), f"{way.capitalize()}.")
    page.heading("The answer")
    page.table(*token_table(result), note="Log-probabilities on the unchanged picture, in nats.")
    page.heading("What the endpoint can do")
    page.facts((name, text) for name, text in result.run["ways"].items())
    run_section(page, result.run, command)
    return page


def _lead(result: EndpointExplanation) -> str:
    point = result.point
    place = "nowhere" if point is None else f"most at x {point[0]:.0f}, y {point[1]:.0f}"
    return (
        f"Hiding the picture lowers the answer's log-probability {place}, by {result.effect:.3g} nats: "
        f"{result.run['model']}, {result.run['requests']['sent']} requests, by {result.run['way']}."
    )
