"""``vlmscope bundle``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_folder

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(bundle)


def bundle(
    *,
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="Pages that vlmscope wrote (--html), or .view files.",
            show_default=False,
        ),
    ],
    title: Annotated[
        str, typer.Option(help="Of the first page.", rich_help_panel="Output")
    ] = "Results",
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The folder: a new one, an empty one, or a site that this command wrote.",
            show_default=False,
            rich_help_panel="Output",
        ),
    ],
    printing: Printing,
) -> int:
    """Put results together into a site that any server of files can show, without Python.

    An index with small pictures, a page and the data of every result, and one viewer for all of them. The
    folder is written whole or not at all.
    """
    from vlmscope.export.site import write_site

    check_folder(out)
    pages = write_site(results, out, title)
    if printing.as_json:
        shown = [
            {"name": page.name, "title": page.view.title, "source": str(page.source)}
            for page in pages
        ]
        emit_json({"path": str(out), "index": str(out / "index.html"), "pages": shown})
    else:
        emit(f"{out / 'index.html'}: {len(pages)} {'page' if len(pages) == 1 else 'pages'}")
        if not printing.quiet:
            emit(f"python -m http.server --directory {out}  # to look at it here")
    return 0
