"""Options of the commands that read data sets: which split, and what its columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from vlmscope.errors import BadOptionError

__all__ = ["ColumnMap", "Split", "columns_of"]

Split = Annotated[
    str | None,
    typer.Option(help="Part of the data set, such as val or testA. Default: the usual one."),
]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option(help="Columns of a Parquet file under other names: caption=text,bbox=box"),
]


def columns_of(texts: Sequence[str] | None) -> dict[str, str]:
    """``["caption=text,bbox=box"]`` -> the name that is expected -> the name that the file has.

    Raises:
        BadOptionError: anything but NAME=COLUMN, or a name twice.
    """
    columns: dict[str, str] = {}
    for part in (part.strip() for text in texts or () for part in text.split(",")):
        name, sign, column = (each.strip() for each in part.partition("="))
        if not (name and sign and column):
            raise BadOptionError(
                f"--map is written NAME=COLUMN, with commas between, got {part!r}."
            )
        if name in columns:
            raise BadOptionError(f"--map names {name!r} twice: {columns[name]!r} and {column!r}.")
        columns[name] = column
    return columns
