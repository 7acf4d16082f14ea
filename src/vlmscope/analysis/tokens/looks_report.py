"""Words by kind as a page."""

from __future__ import annotations

from vlmscope.analysis.record import run_section
from vlmscope.analysis.tokens.looks_result import LOOKS_COLUMNS, PAIRS_COLUMNS, WordLooks
from vlmscope.analysis.tokens.table import CAVEAT
from vlmscope.report import Page

__all__ = ["looks_page"]


def looks_page(looks: WordLooks, command: str = "") -> Page:
    """The page."""
    page = Page(f"Where words of {looks.run['model']} look", f"{looks.answers} answers.")
    page.caveat(CAVEAT)
    for note in looks.notes:
        page.text(note)
    page.heading("By kind of word and layers")
    page.table(*looks.table(), note=LOOKS_COLUMNS)
    if looks.pairs:
        page.heading("Does a colour look where its noun looks?")
        page.table(*looks.pairs_table(), note=PAIRS_COLUMNS)
    run_section(page, looks.run, command)
    return page
