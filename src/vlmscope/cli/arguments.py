"""Options that nearly every command has: what is printed, and how large an image may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

__all__ = ["AsJson", "MaxPixels", "Printing", "Quiet"]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
MaxPixels = Annotated[int, typer.Option(help="Larger images are refused.", rich_help_panel="Input")]


@dataclass(frozen=True)
class Printing:
    """What a command prints.

    Attributes:
        as_json: the result as JSON in place of tables.
        quiet: no progress and no notes; warnings stay.
    """

    panel: ClassVar[str] = "Output"

    as_json: AsJson = False
    quiet: Quiet = False
