"""``vlmscope reproduce whats-in-the-image``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit_json, emit_table, note
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_place

if TYPE_CHECKING:
    from vlmscope.data.datasets.mme import MmeSet
    from vlmscope.reproduce.reproductions import Reproduction

__all__ = ["command"]

_SHOWN = 5


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the settings of the study."""
    from vlmscope.reproduce.whats_in_the_image import Settings

    return with_options(reproduce, Settings)


@dataclass(frozen=True)
class Images:
    """What is described, and what is asked."""

    panel: ClassVar[str] = "Input"

    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder of COCO's: panoptic.json, panoptic/ and images/, or instances and images.",
            show_default=False,
        ),
    ] = None
    split: Annotated[
        str | None, typer.Option(help="Of instances: val2017 finds instances_val2017.json.")
    ] = None
    mme: Annotated[
        Path | None,
        typer.Option(help="Folder of MME; without it the claims on MME stay undecided."),
    ] = None
    objects: Annotated[
        str | None,
        typer.Option(
            help="By which objects are known: coco, shapes, or a file with 'name: other word, ...' "
            "lines. Default: what fits the folder's categories."
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(help="Only so many images, and so many of MME's; nothing is then decided."),
    ] = None
    partial: Annotated[
        bool, typer.Option("--partial", help="Take an MME that misses categories or pictures.")
    ] = False


def reproduce(
    *,
    options: dict[str, Any],
    model: ModelName = "tiny-llava",
    images: Images,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the report and for what is finished: the same command goes on there.",
            rich_help_panel="Output",
        ),
    ] = None,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Hold the claims of "What's in the Image?" against a model, one by one.

    Attention by layer, objects that a description still names under knock-outs, with a few of the
    image tokens and without parts of its prompt, words on their objects, MME from compressed contexts.
    Exit code 1 when images were skipped.
    """
    from vlmscope.errors import BadOptionError
    from vlmscope.reproduce.report import write_report
    from vlmscope.reproduce.whats_in_the_image import Settings, Study, object_words, open_images

    settings = collect(Settings, options)
    if images.root is None:
        raise BadOptionError("The images are read from a folder of COCO's: --root PATH.")
    check_place(None if out is None else out / "report.json")
    data = open_images(images.root, images.split)
    words = object_words(data, images.objects)
    mme = None if images.mme is None else _mme(images.mme, images.partial)
    study = Study(
        loading.decoder(model),
        data,
        words,
        mme=mme,
        settings=settings,
        limit=images.limit,
        progress=not printing.quiet,
    )
    say = _silent if printing.quiet else note
    for line in study.cost_lines:
        say(line)
    try:
        result = study.run(out, say)
    except KeyboardInterrupt:
        if out is not None:
            note(f"What is finished is kept in {out}. The same command goes on.")
        raise
    written = () if out is None else write_report(result, out)
    _show(result, written, printing)
    return 1 if result.skipped else 0


def _mme(root: Path, partial: bool) -> MmeSet:
    from vlmscope.data.datasets import open_dataset
    from vlmscope.data.datasets.mme import MmeSet

    data = open_dataset("mme", root, partial=partial)
    assert isinstance(data, MmeSet)  # what its kind opens
    return data


def _silent(text: str) -> None:
    """Says nothing."""


def _show(result: Reproduction, written: Sequence[Path], printing: Printing) -> None:
    from vlmscope.reproduce.findings import COLUMNS

    if printing.as_json:
        emit_json(result.to_dict())
    else:
        emit_table(COLUMNS, [finding.row for finding in result.findings])
    if result.skipped:
        note(f"{len(result.skipped)} left out:")
        for line in result.skipped[:_SHOWN]:
            note(f"  {line}")
    if printing.quiet:
        return
    note(result.summary)
    for path in written:
        note(f"wrote {path}")
    if not written:
        note("Not saved; --out DIR writes a report, and keeps what is finished.")
