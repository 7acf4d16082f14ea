"""The report of a reproduction: JSON for programs, Markdown and a page for people."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from vlmscope.io import write_json, write_text
from vlmscope.markup import cell
from vlmscope.report import Page, Series, curves
from vlmscope.reproduce import costs, findings
from vlmscope.reproduce.costs import cost_rows
from vlmscope.reproduce.reproductions import Plot, Reproduction, Table
from vlmscope.reproduce.verdicts import RULE

__all__ = ["REPORTS", "page", "write_report"]

REPORTS = ("report.json", "report.md", "report.html")
"""Files that are written."""

_REASONS = 20  # what was skipped is listed one by one up to here


def write_report(
    reproduction: Reproduction, folder: str | os.PathLike[str]
) -> tuple[Path, Path, Path]:
    """Write ``report.json``, ``report.md`` and ``report.html`` into a folder.

    Returns:
        The paths.

    Raises:
        OutputError: a place that cannot be written.
    """
    data, text, html = (Path(folder) / name for name in REPORTS)
    write_json(data, reproduction.to_dict())
    write_text(text, markdown(reproduction))
    page(reproduction).write(html)
    return data, text, html


def page(reproduction: Reproduction) -> Page:
    """The report as a page that needs nothing else."""
    built = Page(reproduction.paper, f"{reproduction.summary}.")
    for note in reproduction.notes:
        built.caveat(note)
    first, *tables = _tables(reproduction)
    _add(built, first)
    _draw(built, reproduction.plots)
    for table in tables:
        _add(built, table)
    built.heading("Protocol")
    built.code(_protocol(reproduction))
    if reproduction.skipped:
        built.heading("Skipped")
        for line in _skipped(reproduction):
            built.text(line)
    return built


def _add(built: Page, table: Table) -> None:
    built.heading(table.title)
    built.table(table.columns, table.rows, table.note)


def _draw(built: Page, plots: Sequence[Plot]) -> None:
    for plot in plots:
        series = [Series(name, values) for name, values in plot.series.items()]
        drawn = curves(
            series, x=plot.x, x_label=plot.x_label, y_label=plot.y_label, x_scale=plot.x_scale
        )
        built.heading(plot.title)
        built.plot(drawn, plot.caption)


def markdown(reproduction: Reproduction) -> str:
    """The report as Markdown."""
    parts = [f"# {reproduction.paper}", f"{reproduction.summary}.", *reproduction.notes]
    for table in _tables(reproduction):
        parts += [f"## {table.title}", _markdown_table(table)]
        parts += [table.note] if table.note else []
    parts += ["## Protocol", f"```json\n{_protocol(reproduction)}\n```"]
    if reproduction.skipped:
        parts += ["## Skipped", "\n".join(f"- {line}" for line in _skipped(reproduction))]
    return "\n\n".join(parts) + "\n"


def _tables(reproduction: Reproduction) -> list[Table]:
    rows = [finding.row for finding in reproduction.findings]
    sources = [
        (each.claim.sentence, each.claim.source, each.claim.measured_by)
        for each in reproduction.findings
    ]
    return [
        Table("findings", "Claims", findings.COLUMNS, rows, RULE),
        *reproduction.tables,
        Table("sources", "Where it is claimed", ("claim", "source", "measured by"), sources),
        Table("cost", "Cost", costs.COLUMNS, cost_rows(reproduction.costs)),
    ]


def _markdown_table(table: Table) -> str:
    rows = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(map(_markdown_row, rows))


def _markdown_row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(cell(each).replace("|", "\\|") for each in cells) + " |"


def _protocol(reproduction: Reproduction) -> str:
    return json.dumps(reproduction.protocol, indent=2, ensure_ascii=False)


def _skipped(reproduction: Reproduction) -> list[str]:
    shown = list(reproduction.skipped[:_REASONS])
    rest = len(reproduction.skipped) - len(shown)
    return [*shown, f"and {rest} more, all in report.json"] if rest else shown
