"""A comparison of criteria as a page."""

from __future__ import annotations

import json

import numpy as np

from vlmscope.heads.compare.result import (
    CRITERIA_COLUMNS,
    DIFFERENCES_COLUMNS,
    CriteriaComparison,
)
from vlmscope.report import Page, head_map
from vlmscope.types import HeadSet

__all__ = ["comparison_page"]


def comparison_page(comparison: CriteriaComparison, command: str = "") -> Page:
    """The page.

    Args:
        comparison: what was found.
        command: how it was made, for the reader who wants to repeat it.
    """
    found = comparison
    page = Page(
        f"How heads of {found.run['model']} are chosen",
        f"{len(found.results)} criteria, {found.held_out} held-out samples, {found.draws} random halves; "
        f"a token drawn at random points at {found.chance_pointing:.3f}.",
    )
    for text in found.notes:
        page.caveat(text)
    page.heading("What each criterion is worth")
    page.table(*found.table(), note=CRITERIA_COLUMNS)
    page.heading("What lies between them")
    page.table(*found.differences_table(), note=DIFFERENCES_COLUMNS)
    page.heading("Which heads they mark")
    for name, heads in found.sets.items():
        page.plot(_frequencies(name, heads), f"{name}: share of samples in which a head is marked")
    page.heading("The run")
    if command:
        page.code(command)
    page.code(json.dumps(found.run, indent=2))
    return page


def _frequencies(name: str, heads: HeadSet) -> str:
    assert heads.shape is not None  # of whatever was discovered
    grid = np.zeros(heads.shape)
    for row in heads.frequencies:
        grid[row.head.layer, row.head.head] = row.frequency.value
    return head_map(grid, title=name, label="marked", marked=heads.heads)
