"""``vlmscope data convert``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit_json, emit_table, note
from vlmscope.cli.options import with_options
from vlmscope.errors import UnknownNameError

__all__ = ["command"]

_SHOWN = 5
_SETS = ("context",)


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(convert)


def convert(
    *,
    name: Annotated[str, typer.Argument(metavar="SET", help="context.", show_default=False)],
    root: Annotated[
        Path,
        typer.Option(
            help="Folder of VOC 2010 with trainval_merged.json in it, or that file.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write into. Default: that of the file."),
    ] = None,
    printing: Printing,
) -> int:
    """Make the label maps of PASCAL Context from its annotations, without their toolkit.

    trainval_merged.json becomes SegmentationClassContext/*.png (0 is the background, 1 to 59 the
    classes) and ImageSets/SegmentationContext/*.txt, as the sets context60 and context59 read them. The
    file is read piece by piece. The publishers' .mat files need no conversion: they are read as they are.
    Exit code 1 when annotations were left out.
    """
    from vlmscope.data.datasets.label_maps.context_convert import convert_context

    if name not in _SETS:
        raise UnknownNameError("set to convert", name, _SETS)
    done = convert_context(root, out)
    if printing.as_json:
        left = [{"place": each.image_id, "reason": each.reason} for each in done.skipped]
        emit_json({"set": name, "images": dict(done.images), "skipped": left})
    else:
        emit_table(("split", "maps"), [(split, count) for split, count in done.images.items()])
    for each in done.skipped[:_SHOWN]:
        note(f"left out: {each.image_id}: {each.reason}")
    if len(done.skipped) > _SHOWN:
        note(f"left out: {len(done.skipped) - _SHOWN:,} more")
    return 1 if done.skipped else 0
