"""What every analysis command does with its result: a table, JSON, a page, Parquet."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import AsJson, Quiet
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.places import check_place
from vlmscope.errors import BadOptionError, MissingExtraError
from vlmscope.io import write_json

__all__ = ["Output", "Questions", "Resume", "default_samples", "report_skipped", "typed"]

_SHOWN = 5

Questions = Annotated[
    str,
    typer.Option(
        help='A JSON-lines file with {"image": ..., "question": ...} rows, or tiny-scenes:N[:KIND].',
        rich_help_panel="Input",
    ),
]

Resume = Annotated[
    Path | None,
    typer.Option(
        help="State file: finished samples are never computed again.", rich_help_panel="Output"
    ),
]


@dataclass(frozen=True)
class Output:
    """Where the result of an analysis goes, as options of its command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the whole result here, as JSON.")
    ] = None
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page for reading here; its data alone to NAME.view."),
    ] = None
    parquet: Annotated[
        Path | None, typer.Option(help="Write the single values here, as Parquet (extra: parquet).")
    ] = None
    as_json: AsJson = False
    quiet: Quiet = False

    def check(self) -> None:
        """Refuse places that cannot be written, and formats whose extra is missing, before any work.

        Raises:
            OutputError: a place that cannot be written.
            MissingExtraError: Parquet without pyarrow.
        """
        for path in (self.out, self.html, self.parquet):
            check_place(path)
        if self.parquet is not None and find_spec("pyarrow") is None:
            raise MissingExtraError("pyarrow", "parquet", "Writing Parquet")

    def deliver(
        self,
        result: dict[str, Any],
        table: tuple[Sequence[str], Sequence[Sequence[object]]],
        page: Callable[[], Any],
        rows: Iterable[dict[str, Any]],
        columns: str,
    ) -> None:
        """Print a result and write the files that were asked for.

        Args:
            result: as JSON values.
            table: columns and rows, for the terminal.
            page: makes the page; called only where one is wanted.
            rows: the single values.
            columns: what the columns of the table hold, one line beneath it.
        """
        if self.out is not None:
            write_json(self.out, result)
        if self.html is not None:
            page().write(self.html)
        if self.parquet is not None:
            from vlmscope.export.parquet import write_parquet

            write_parquet(self.parquet, rows, {"run": json.dumps(result.get("run", {}))})
        if self.as_json:
            emit_json(result)
        else:
            emit_table(*table)
            if not self.quiet:
                emit(columns)
        written = [str(path) for path in (self.out, self.html, self.parquet) if path is not None]
        if written and not self.quiet:
            note(f"wrote {', '.join(written)}")


def typed() -> str:
    """The command line, as it can be typed again."""
    return shlex.join(["vlmscope", *sys.argv[1:]])


def default_samples(model: str) -> str:
    """Rendered scenes for a model that knows them.

    Raises:
        BadOptionError: for any other model.
    """
    from vlmscope.tiny import EMBEDDED

    if model in EMBEDDED:
        return "tiny-scenes:200:crowd" if model == "tiny-llava-crowd" else "tiny-scenes"
    raise BadOptionError(
        f"{model} needs images with phrases: --samples FILE, one "
        '{"image": "a.jpg", "phrase": "the red mug"} per line.'
    )


def report_skipped(skipped: Sequence[object]) -> int:
    """Say which rows were skipped and why; the exit code: 1 when there are any."""
    if not skipped:
        return 0
    note(f"{len(skipped)} {'row was' if len(skipped) == 1 else 'rows were'} skipped:")
    for each in skipped[:_SHOWN]:
        note(f"  {each}")
    if len(skipped) > _SHOWN:
        note(f"  and {len(skipped) - _SHOWN} more")
    return 1
