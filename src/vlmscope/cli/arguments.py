"""Options that several commands have: printing, the size of images, the protocol of segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

__all__ = [
    "AsJson",
    "Batch",
    "HtmlPlace",
    "MaxPixels",
    "Printing",
    "Protocol",
    "Quiet",
    "TextCache",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
MaxPixels = Annotated[int, typer.Option(help="Larger images are refused.", rich_help_panel="Input")]
Batch = Annotated[
    int,
    typer.Option(
        help="Images that are looked at side by side, those of the same number of tokens in one pass. "
        "1: one after the other.",
        rich_help_panel="Method",
    ),
]

Protocol = Annotated[
    str,
    typer.Option(
        metavar="gem|field|free",
        help="All that a published protocol of segmentation fixes of how images are seen and pixels get "
        "their classes: gem's, or the field's (field@voc21: with that data set's constants). "
        "Default: free, the options decide.",
        show_default=False,
        rich_help_panel="Method",
    ),
]

HtmlPlace = Annotated[
    Path | None,
    typer.Option(
        "--html",
        help="Write a page to look at it in, of one picture; its data alone to NAME.view.",
        rich_help_panel="Output",
    ),
]
"""Where the page of a result goes."""

TextCache = Annotated[
    bool,
    typer.Option(
        "--text-cache/--no-text-cache",
        help="Keep embeddings of many texts on disk, for later calls.",
        rich_help_panel="Method",
    ),
]


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
