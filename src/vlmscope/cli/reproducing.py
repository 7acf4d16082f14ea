"""What the commands of ``vlmscope reproduce`` share: where the data are, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.places import check_folder, check_place

if TYPE_CHECKING:
    from vlmscope.reproduce.costs import Cost
    from vlmscope.reproduce.reproductions import Reproduction

__all__ = ["Kept", "Limit", "deliver", "models_of", "say", "show_costs"]

_SHOWN = 5

Limit = Annotated[
    int | None,
    typer.Option(
        help="Only the first images of each split: a trial, after which no claim is decided.",
        rich_help_panel="Input",
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


def models_of(values: list[str]) -> list[str]:
    """``["a,b", "c"]`` -> three names, each once."""
    parts = [part.strip() for value in values for part in value.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def say(text: str) -> None:
    """A line for the person who waits."""
    note(text)


def show_costs(title: str, costs: list[tuple[str, Cost]], printing: Printing) -> None:
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
