"""The page of a job that has just ended: it knows where the pictures are, a list from stdin too."""

from __future__ import annotations

from dataclasses import replace

from vlmscope.labels.audit.page import audit_labels
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.sources import Source
from vlmscope.labels.summary import LabelSummary

__all__ = ["PAGE", "audited"]

PAGE = "audit.html"
"""The page's name in the folder of the labels."""


def audited(
    summary: LabelSummary, source: Source, count: int, max_pixels: int, progress: bool
) -> LabelSummary:
    """Write the page of a sample into the folder, and say so in the summary.

    Args:
        summary: of the job.
        source: that was labelled.
        count: how many objects; fewer where there are fewer. Where there are none, a note says so.
        max_pixels, progress: as for :func:`audit_labels`.

    Raises:
        OutputError: the page cannot be written.
    """
    labels = summary.open()
    if not _holds_objects(labels):
        note = "There is no page to look at: nothing was found in any image."
        return replace(summary, notes=(*summary.notes, note))
    page = audit_labels(
        labels,
        summary.folder / PAGE,
        count=count,
        source=source,
        max_pixels=max_pixels,
        progress=progress,
    )
    notes = [f"No picture of {name} on the page: {reason}" for name, reason in page.missing[:1]]
    more = len(page.missing) - 1
    notes += [f"{more} more images have no picture on the page."] if more > 0 else []
    return replace(summary, audit=page.path, notes=(*summary.notes, *notes))


def _holds_objects(labels: LabelFolder) -> bool:
    return any(row["box"] is not None for row in labels.rows(["box"]))
