"""``vlmscope data make-tiny``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit_json, emit_table, note
from vlmscope.cli.options import with_options

__all__ = ["command"]

_ABOUT = """Render a small data set in the layout of a real one, with exact masks.

It is read by the same reader as the real one; its manifest.json holds its own counts. No figure on it
can be compared with a published one."""


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.data.tiny_sets import LAYOUTS

    bound = with_options(render)
    bound.__doc__ = f"{_ABOUT}\n\nLayouts: {', '.join(LAYOUTS)}."
    return bound


def render(
    *,
    like: Annotated[
        str, typer.Option(metavar="LAYOUT", help="Whose layout, see below.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write, new or empty.", show_default=False)
    ],
    images: Annotated[int, typer.Option(help="Images of each split.")] = 12,
    printing: Printing,
) -> int:
    from vlmscope.data.tiny_sets import LAYOUTS, make_tiny

    counts = make_tiny(like, out, images)
    if printing.as_json:
        splits = {split: held._asdict() for split, held in counts.items()}
        emit_json({"like": like, "root": str(out), "splits": splits})
    else:
        rows = [(split, *held) for split, held in counts.items()]
        emit_table(("split", "images", "objects", "sentences"), rows)
    if not printing.quiet:
        note(f"Wrote {out}. Read it with: vlmscope data check {LAYOUTS[like].dataset} --root {out}")
    return 0
