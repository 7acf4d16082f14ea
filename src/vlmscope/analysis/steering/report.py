"""A trial of steering as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.record import run_section
from vlmscope.analysis.steering.table import (
    CONDITIONS,
    STEERING_COLUMNS,
    points_table,
    steering_table,
)
from vlmscope.report import Page, Series, curves

if TYPE_CHECKING:
    from vlmscope.analysis.steering.answer import SteeredAnswer
    from vlmscope.analysis.steering.result import SteeringTrial

__all__ = ["answer_page", "steering_page"]

_CAVEAT = (
    "An answer that follows shows that these heads can carry a place into the answer. It does not "
    "show that they do so when nobody pulls: that is what a knock-out asks."
)


def answer_page(answer: SteeredAnswer, command: str = "") -> Page:
    """One answer beside the clean one, as a page.

    Args:
        answer: what was said.
        command: how it was made.
    """
    heads = ", ".join(map(str, answer.heads))
    page = Page(answer.question, f"{heads} of {answer.model}, strength {answer.strength:g}")
    page.table(["", "answer"], [["as it is", answer.clean], ["steered", answer.steered]])
    page.caveat(_CAVEAT)
    page.pictures([(answer.overlay(), "The box that heads are drawn to")])
    if command:
        page.code(command)
    return page


def steering_page(trial: SteeringTrial, command: str = "") -> Page:
    """The page.

    Args:
        trial: what was found.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"Heads of {trial.run['model']} drawn to a place", trial.verdict())
    page.caveat(_CAVEAT)
    page.heading("At the chosen strength, on the other half")
    page.table(*steering_table(trial), note=STEERING_COLUMNS)
    page.heading("By strength")
    points = trial.points()
    strengths = sorted({each.strength for each in points} - {0.0})
    series = [
        Series(
            name,
            [
                next(e.follows for e in points if (e.condition, e.strength) == (name, strength))
                for strength in strengths
            ],
        )
        for name in CONDITIONS
    ]
    page.plot(
        curves(series, x=strengths, x_label="strength", y_label="answers that follow"),
        f"All {len(trial.records)} questions, with 95% bootstrap intervals.",
    )
    page.table(*points_table(points), note=STEERING_COLUMNS)
    run_section(page, trial.run, command)
    return page
