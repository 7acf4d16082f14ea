"""``vlmscope audit``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import MaxPixels, Printing
from vlmscope.cli.console import emit, emit_json, note
from vlmscope.cli.label_options import LabelDir, Source
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_place
from vlmscope.data.images import MAX_PIXELS

__all__ = ["command"]

_SHOWN = 5


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(audit)


def audit(
    *,
    folder: LabelDir,
    source: Source = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    count: Annotated[int, typer.Option(help="Objects to look at.", rich_help_panel="Sample")] = 200,
    least_score: Annotated[
        float | None,
        typer.Option(help="Objects below it are not drawn.", rich_help_panel="Sample"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.", rich_help_panel="Sample")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The page, one HTML file.",
            show_default=False,
            rich_help_panel="Output",
        ),
    ],
    printing: Printing,
) -> int:
    """Make a page on which you accept or reject a sample of the labels.

    The sample is drawn by score, by whether an object has a warning, and evenly over the phrases. Keys: a
    accept, r reject, u unsure, z undo, d download the decisions; then: vlmscope stats DIR --decisions
    decisions.json. Exit code 1 when pictures could not be read.
    """
    from vlmscope.labels.audit import audit_labels

    check_place(out)
    page = audit_labels(
        folder,
        out,
        count=count,
        source=source,
        seed=seed,
        least_score=least_score,
        max_pixels=max_pixels,
        progress=not printing.quiet,
    )
    if printing.as_json:
        emit_json(page.to_dict())
    else:
        emit(f"{page.path}: {len(page.sample.objects):,} of {page.sample.population:,} objects")
    for name, reason in page.missing[:_SHOWN]:
        note(f"no picture: {name}: {reason}")
    if len(page.missing) > _SHOWN:
        note(f"no picture: {len(page.missing) - _SHOWN:,} more images")
    if not printing.quiet:
        note(
            f"Decide on the page, download, then: vlmscope stats {folder} --decisions decisions.json"
        )
    return 1 if page.missing else 0
