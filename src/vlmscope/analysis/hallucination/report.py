"""Signs of hallucination as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.hallucination.signs import SIGNS
from vlmscope.analysis.hallucination.table import (
    HALLUCINATION_COLUMNS,
    hallucination_table,
    summary,
)
from vlmscope.analysis.record import run_section
from vlmscope.report import Page

if TYPE_CHECKING:
    from vlmscope.analysis.hallucination.result import HallucinationScores

__all__ = ["hallucination_page"]

_CAVEAT = (
    "A sign that tells on one model and set need not tell on another. One that does not beat the answer's "
    "own probability and the base rate adds nothing to what is known without looking."
)
_SHOWN = 20


def hallucination_page(result: HallucinationScores, command: str = "") -> Page:
    """The page: which sign tells, what each is, and the mentions that were imagined."""
    first, *rest = summary(result)
    page = Page(f"Which sign tells what {result.run['model']} imagines", f"{first}.")
    page.caveat(_CAVEAT)
    for line in rest:
        page.text(line)
    page.heading("Signs")
    page.table(*hallucination_table(result), note=HALLUCINATION_COLUMNS)
    page.heading("What each sign is")
    page.table(["sign", "definition"], [[name, text] for name, text in SIGNS.items()])
    imagined = [each for each in result.mentions if not each["real"]]
    if imagined:
        page.heading("Imagined")
        names = list(imagined[0]["signs"])
        rows = [
            [each["image"], each["object"], *(each["signs"][name] for name in names)]
            for each in imagined[:_SHOWN]
        ]
        page.table(["image", "object", *names], rows, note=f"The first {len(rows)}.")
    run_section(page, result.run, command)
    return page
