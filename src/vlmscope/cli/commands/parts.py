"""``vlmscope parts``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import HtmlPlace, MaxPixels, Printing
from vlmscope.cli.commands.segment import Place
from vlmscope.cli.console import emit_json
from vlmscope.cli.loading import Loading, ModelName, TextTower
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_page, image_files
from vlmscope.cli.segment_run import SegmentRun
from vlmscope.data.images import MAX_PIXELS
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.methods import PartOptions

    return with_options(parts, PartOptions)


def parts(
    *,
    image: Annotated[
        str, typer.Argument(metavar="IMAGE|FOLDER", help="What to look at.", show_default=False)
    ],
    options: dict[str, Any],
    model: ModelName = "tiny-clip",
    text_tower: TextTower = None,
    place: Place,
    html: HtmlPlace = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: Loading,
    printing: Printing,
) -> int:
    """Show what an image tower itself holds together: masks of its parts, without a phrase.

    Patches that are alike in a middle block are one part; of a DINO, DINOv2 or DINOv3 (as --model),
    behind the last norm. A folder is gone through with its subfolders,
    and a run that was interrupted goes on when it is started again.
    """
    from vlmscope.methods import part_finder

    files = image_files(Path(image), place.out)
    folder = place.folder()
    single = not Path(image).is_dir()
    check_page(html, single)
    if folder is not None and set(folder.formats) != {"png"}:
        raise BadOptionError(
            "Part 1 of one image has nothing to do with part 1 of another, so parts make no classes of "
            "a COCO or YOLO file. Use --format png."
        )
    ready = part_finder(loading.patches(model, text_tower), **options)
    if folder is not None:
        folder.open(ready.header, place.overwrite)
    run = SegmentRun(ready, folder, max_pixels, single, html)
    run.all(files, printing.quiet)
    if printing.as_json:
        emit_json({**ready.header, "images": run.records, "skipped": run.skipped})
    else:
        run.show()
    return run.report(printing.quiet)
