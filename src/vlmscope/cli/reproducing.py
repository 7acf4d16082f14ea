"""What the commands of ``vlmscope reproduce`` share: where the data are, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.completion import model_names
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.places import check_folder, check_place
from vlmscope.errors import BadOptionError

if TYPE_CHECKING:
    from vlmscope.reproduce.costs import Cost
    from vlmscope.reproduce.listeners import Listener
    from vlmscope.reproduce.reproductions import Reproduction

__all__ = ["Kept", "Limit", "Models", "deliver", "listener", "models_of"]

_SHOWN = 5

Limit = Annotated[
    int | None,
    typer.Option(
        help="Only the first images of each split: a trial, after which no claim is decided.",
        rich_help_panel="Input",
    ),
]


Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Embedded id, hub id or folder; several with commas, or again.",
        rich_help_panel="Model",
        show_default=False,
        autocompletion=model_names,
    ),
]


@dataclass(frozen=True)
class Kept:
    """Where finished steps and the report are kept, as an option of a command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for report.json, report.md, report.html and finished steps: the same command "
            "goes on where it stopped.",
        ),
    ] = None

    def check(self) -> None:
        """Refuse a place that cannot be written, before any work.

        Raises:
            BadOptionError: a folder that is named like a file.
            OutputError: with the reason.
        """
        check_folder(self.out)
        check_place(None if self.out is None else self.out / "report.json")

    @contextmanager
    def said(self) -> Iterator[None]:
        """Say to whoever interrupts the work what is kept of it."""
        try:
            yield
        except KeyboardInterrupt:
            if self.out is not None:
                note(f"Finished steps and images are kept in {self.out}. The same command goes on.")
            raise


def models_of(values: list[str], revision: str | None) -> list[str]:
    """``["a,b", "c"]`` -> three names, each once.

    Raises:
        BadOptionError: a revision of several models.
    """
    parts = [part.strip() for value in values for part in value.split(",")]
    names = list(dict.fromkeys(part for part in parts if part))
    if len(names) > 1 and revision is not None:
        raise BadOptionError(
            "--revision is of one model, and several were named. Run them one by one."
        )
    return names


def listener(printing: Printing) -> Listener:
    """The person who waits: costs, sentences and bars on stderr, unless they asked for quiet."""
    from vlmscope.reproduce.listeners import Listener

    say = (lambda text: None) if printing.quiet else note
    return Listener(partial(_show_costs, printing=printing), say, not printing.quiet)


def _show_costs(title: str, costs: list[tuple[str, Cost]], printing: Printing) -> None:
    """What is to be done, before it is begun; on stderr, for the result stands on stdout."""
    from vlmscope.reproduce.costs import COLUMNS, cost_rows

    if printing.quiet:
        return
    rows = [COLUMNS, *cost_rows(costs)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    note(f"{title} costs:")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        note(f"  {'  '.join(cells)}".rstrip())


def deliver(reproduction: Reproduction, kept: Kept, printing: Printing) -> int:
    """Print the findings and write the report; the exit code, 1 where images were skipped.

    Raises:
        OutputError: a report that cannot be written.
    """
    from vlmscope.reproduce.findings import COLUMNS
    from vlmscope.reproduce.report import write_report

    written = () if kept.out is None else write_report(reproduction, kept.out)
    if printing.as_json:
        emit_json(reproduction.to_dict())
    else:
        emit_table(COLUMNS, [finding.row for finding in reproduction.findings])
        emit(reproduction.summary)
    for line in reproduction.skipped[:_SHOWN]:
        note(f"skipped: {line}")
    if len(reproduction.skipped) > _SHOWN:
        note(f"skipped: {len(reproduction.skipped) - _SHOWN:,} more")
    if not printing.quiet:
        for line in reproduction.notes:
            note(line)
        for path in written:
            note(f"wrote {path}")
        if kept.out is None:
            note("Not saved; --out DIR writes the report and keeps finished steps.")
    return 1 if reproduction.skipped else 0
