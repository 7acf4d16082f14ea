"""A comparison of criteria as a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from vlmscope.report import Page, head_map
from vlmscope.types import HeadSet
from vlmscope.viewer.blocks import Block

if TYPE_CHECKING:
    from vlmscope.heads.compare.result import CriteriaComparison

__all__ = ["CRITERIA_COLUMNS", "DIFFERENCES_COLUMNS", "comparison_page"]

CRITERIA_COLUMNS = (
    "pointing, box IoU: of the heads together on held-out samples; halves point: pointing of the sets "
    "from random halves of the pictures, mean over them; all with 95% intervals over images; stable: mean "
    "Jaccard index of these sets, with the middle 95% of resampled draws; shared: heads that the first "
    "criterion chose, too."
)
"""What the columns of :meth:`CriteriaComparison.table` hold."""

DIFFERENCES_COLUMNS = (
    "The first less the second, paired by image (stable: by draw), with 95% intervals; one that holds 0 "
    "tells nothing. Controls have no draws: halves are held against the control itself. overlap: mean "
    "Jaccard index of both criteria's sets from the same half."
)
"""What the columns of :meth:`CriteriaComparison.differences_table` hold."""


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


def _frequencies(name: str, heads: HeadSet) -> Block:
    assert heads.shape is not None  # of whatever was discovered
    grid = np.zeros(heads.shape)
    for row in heads.frequencies:
        grid[row.head.layer, row.head.head] = row.frequency.value
    return head_map(grid, title=name, label="marked", marked=heads.heads)
