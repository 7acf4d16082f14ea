"""Words by kind as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.record import run_section
from vlmscope.analysis.tokens.table import CAVEAT
from vlmscope.report import Page

if TYPE_CHECKING:
    from vlmscope.analysis.tokens.looks_result import WordLooks

__all__ = ["LOOKS_COLUMNS", "PAIRS_COLUMNS", "looks_page"]

LOOKS_COLUMNS = (
    "on image: attention on the image; over blank: how much more than on a blank image; on object: words "
    "whose map peaks on the object or near it, beside chance, a peak put anywhere; lost: words no longer "
    "said once the answer may not read the image; gain: how many nats likelier the image makes a word "
    "than a blank one does; in brackets 95% intervals over questions."
)
"""What the columns of :meth:`WordLooks.table` hold."""

PAIRS_COLUMNS = (
    "overlap: sum of the smaller of the two words' maps, each made to sum to 1; own noun: the one the "
    "word is said of; other nouns: of the same answer; more: the difference within answers; in brackets "
    "95% intervals over answers."
)
"""What the columns of :meth:`WordLooks.pairs_table` hold."""


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
