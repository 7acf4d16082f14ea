"""``vlmscope data check``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.data_options import ColumnMap, Split, columns_of
from vlmscope.cli.options import with_options

if TYPE_CHECKING:
    from vlmscope.data.datasets.check import SetCheck

__all__ = ["command"]

_SHOWN = 5

_ABOUT = """Say whether a data set is whole: what was found, which file is missing, how to get it.

The listing is read, its counts are held against the published ones, and the first, the middle and the
last image are opened. Exit code 1 when the set cannot be used, or when a part of it was left out."""


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.data.datasets import dataset_kinds

    kinds = "; ".join(f"{kind.id}: {kind.summary}" for kind in dataset_kinds())
    bound = with_options(check)
    bound.__doc__ = f"{_ABOUT}\n\nData sets: {kinds}."
    return bound


def check(
    *,
    name: Annotated[
        str, typer.Argument(metavar="DATASET", help="Its id, see below.", show_default=False)
    ],
    root: Annotated[
        Path | None, typer.Option(help="Folder of the data set, or hf://datasets/OWNER/NAME.")
    ] = None,
    split: Split = None,
    map: ColumnMap = None,
    printing: Printing,
) -> int:
    from vlmscope.data.datasets.check import check_dataset

    found = check_dataset(name, root, split=split, columns=columns_of(map))
    if printing.as_json:
        emit_json(found.to_dict())
    else:
        _show(found, printing)
    return 0 if found.usable and not found.skipped else 1


def _show(found: SetCheck, printing: Printing) -> None:
    if found.parts:
        rows = [(_state(part.count), part.contents) for part in found.parts]
        emit_table(("found", "part"), rows)
    for part in found.parts:
        if not part.count:
            emit(f"missing: {part.contents}. To get it: {part.advice}.")
    if found.problem:
        emit(f"not usable: {found.problem}")
    if found.partial:
        emit(f"with --partial: {found.partial}")
    if found.usable:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items() if count)
        emit(f"usable: {found.split or found.id}: {counts}")
    for each in found.skipped[:_SHOWN]:
        emit(f"left out: {each.image_id}: {each.reason}")
    if len(found.skipped) > _SHOWN:
        emit(f"left out: {len(found.skipped) - _SHOWN:,} more")
    if not printing.quiet:
        for key, value in found.protocol.items():
            if key not in ("counts", "partial"):
                note(f"{key}: {value}")
        if len(found.splits) > 1:
            note(f"splits: {', '.join(found.splits)} (--split NAME)")


def _state(count: int) -> str:
    return f"{count:,}" if count else "none"
