"""``vlmscope export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.completion import label_formats
from vlmscope.cli.console import emit, emit_json, note
from vlmscope.cli.label_options import LabelDir, Source
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_folder, check_place

if TYPE_CHECKING:
    from vlmscope.labels.exports import Exported

__all__ = ["command"]

_SHOWN = 5

_ABOUT = """Write labels in another tool's format, however many there are.

Images in which nothing was found are written without objects; images that could not be labelled are left
out. Exit code 1 when images were left out."""


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.export.formats import LABEL_FORMATS

    bound = with_options(export)
    formats = "\n\n".join(f"{kind.id}: {kind.summary}" for kind in LABEL_FORMATS)
    bound.__doc__ = f"{_ABOUT}\n\n{formats}"
    return bound


def export(
    *,
    folder: LabelDir,
    source: Source = None,
    least_score: Annotated[
        float | None,
        typer.Option(help="Leave out objects below it.", rich_help_panel="Input"),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Decisions of vlmscope app or audit: leave out what was rejected, take boxes that were "
            "drawn.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="coco, yolo, voc, csv, label-studio, webdataset or fiftyone.",
            rich_help_panel="Output",
            autocompletion=label_formats,
        ),
    ] = "coco",
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="File of coco, csv, fiftyone; new folder of the others.",
            show_default=False,
            rich_help_panel="Output",
        ),
    ],
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Before the id in the address of a picture, for label-studio. Default: "
            "/data/local-files/?d=",
            show_default=False,
            rich_help_panel="Output",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace a folder that an earlier export wrote.",
            rich_help_panel="Output",
        ),
    ] = False,
    printing: Printing,
) -> int:
    from vlmscope.export.formats import LABEL_FORMATS
    from vlmscope.labels.exports import LOCAL_FILES, export_labels

    if LABEL_FORMATS.get(format).folder:
        check_folder(out)
    else:
        check_place(out)
    done = export_labels(
        folder,
        out,
        format,
        least_score=least_score,
        source=source,
        prefix=LOCAL_FILES if prefix is None else prefix,
        overwrite=overwrite,
        decisions=decisions,
        progress=not printing.quiet,
    )
    if printing.as_json:
        emit_json(done.to_dict())
    else:
        _show(done)
    for text in done.notes if not printing.quiet else ():
        note(text)
    return 1 if done.failed or done.unread_images else 0


def _show(done: Exported) -> None:
    emit(
        f"{done.path}: {done.objects:,} objects of {done.phrases:,} phrases in {done.images:,} images "
        f"({done.format})"
    )
    if done.below:
        emit(f"left out: {done.below:,} objects below the least score")
    if done.rejected:
        emit(f"left out: {done.rejected:,} objects that were rejected")
    if done.corrected:
        emit(f"{done.corrected:,} objects have the box that somebody drew, without mask and peak")
    if done.failed:
        emit(f"left out: {done.failed:,} images that could not be labelled")
    for name, reason in done.unread[:_SHOWN]:
        emit(f"left out: {name}: {reason}")
    if done.unread_images > _SHOWN:
        emit(f"left out: {done.unread_images - _SHOWN:,} more images that could not be read")
