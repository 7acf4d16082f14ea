"""What the commands that read a folder of labels have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["LabelDir", "Source"]

LabelDir = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Folder that vlmscope label wrote, finished or not.",
        show_default=False,
        rich_help_panel="Input",
    ),
]

Source = Annotated[
    str | None,
    typer.Option(
        metavar="SRC",
        help="Where the images are now. Default: where they were.",
        show_default=False,
        rich_help_panel="Input",
    ),
]
