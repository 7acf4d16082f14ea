"""``vlmscope label``."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import MaxPixels, Printing
from vlmscope.cli.commands.ground import Reading
from vlmscope.cli.completion import method_names
from vlmscope.cli.console import emit_json, emit_table, note, own_stdout, warn
from vlmscope.cli.loading import ModelName, SizedLoading, TextEmbeddings, named, silence
from vlmscope.cli.model_kind import named_methods
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.places import check_folder
from vlmscope.data.images import MAX_PIXELS

if TYPE_CHECKING:
    from vlmscope.labels.summary import LabelSummary

__all__ = ["command"]

_SHOWN = 20


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the method that ``words`` name."""
    from vlmscope.methods import get_method
    from vlmscope.methods.encoder.options import PIXEL_OPTIONS

    name = peek(words, "--method")
    methods = named_methods(words, "tiny-llava")[:1] if name is None else (get_method(name),)
    return with_options(label, *(each.options for each in methods), without=PIXEL_OPTIONS)


@dataclass(frozen=True)
class Columns:
    """What stands where in a source that has columns, as options of the command."""

    panel: ClassVar[str] = "Input"

    phrases: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|A,B",
            help="What to look for in every image: a text file with one phrase per line, or a,b.",
            show_default=False,
        ),
    ] = None
    phrase_column: Annotated[
        str | None,
        typer.Option(
            help="In place of --phrases: the column with each row's own, a text or a list.",
            show_default=False,
        ),
    ] = None
    image_column: Annotated[
        str | None, typer.Option(help="Of images or their paths. Default: image.")
    ] = None
    id_column: Annotated[
        str | None,
        typer.Option(help="Of ids, one for each image. Default: its path, or its file and row."),
    ] = None


@dataclass(frozen=True)
class Kept:
    """What of the results is kept, as options of the command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the labels.", show_default=False)
    ]
    instances: Annotated[
        bool, typer.Option("--instances", help="Every object of a phrase, not the first alone.")
    ] = False
    masks: Annotated[bool, typer.Option("--masks", help="Keep masks, as COCO's run lengths.")] = (
        False
    )
    least_score: Annotated[
        float | None, typer.Option(help="Leave out objects below it.", show_default=False)
    ] = None
    part: Annotated[int, typer.Option(help="Images in a part of the result.")] = 64
    audit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Make a page afterwards, DIR/audit.html, to accept or reject N objects on.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True)
class Running:
    """How the work is shared out; none of it changes a row, but for rounding."""

    panel: ClassVar[str] = "Work"

    batch: Annotated[int, typer.Option(help="Images that are looked at side by side.")] = 1
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="local|ray",
            help="This machine, or a Ray cluster. Default: local, unless there is --ray.",
            show_default=False,
        ),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Ray cluster: auto, HOST:PORT or ray://HOST:PORT. Without it --executor ray starts one "
            "of this machine.",
            show_default=False,
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that each load the model. Default: one for each GPU, else this one alone; "
            "on a cluster without GPUs one for each machine."
        ),
    ] = None
    threads: Annotated[
        int | None,
        typer.Option(help="Of computation in each process. Default: an even share of the cores."),
    ] = None
    image_seconds: Annotated[
        float | None,
        typer.Option(help="Longest time for an image; one that takes longer has failed."),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="The I-th of N shares of the images, by their ids; into one folder or several.",
            show_default=False,
        ),
    ] = None
    retry: Annotated[
        str | None,
        typer.Option(metavar="failed", help="Try images again that failed.", show_default=False),
    ] = None


def label(
    *,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="Images: a folder, a pattern, a .txt list of paths or - for stdin, JSON lines, Parquet, "
            "tar archives, hf://datasets/OWNER/NAME or datasets:OWNER/NAME.",
            show_default=False,
        ),
    ],
    columns: Columns,
    options: dict[str, Any],
    model: ModelName,
    text_embeddings: TextEmbeddings = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="See: vlmscope methods. Default: the first that runs on the model.",
            show_default=False,
            rich_help_panel="Method",
            autocompletion=method_names,
        ),
    ] = None,
    reading: Reading,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: SizedLoading,
    running: Running,
    kept: Kept,
    printing: Printing,
) -> int:
    """Look for phrases in a folder or a million images, and keep what is found as rows in Parquet.

    The same command goes on where it was interrupted, and labels what the source has gained since. An
    image that cannot be labelled is a row with the reason; exit code 1 when there are any. The folder's
    README.md says how to read it.
    """
    from vlmscope.labels.label import label as run

    check_folder(kept.out)
    reading.check_refine()
    silence()
    with _stopped_by_sigterm(), own_stdout():
        summary = run(
            named(model),
            source,
            columns.phrases,
            phrase_column=columns.phrase_column,
            image_column=columns.image_column,
            id_column=columns.id_column,
            method=method,
            **reading.keywords(),
            rows=reading.rows,
            proxy=reading.proxy,
            refine=reading.refine,
            refine_prompt=reading.refine_prompt,
            max_pixels=max_pixels,
            text_embeddings=text_embeddings,
            **vars(loading),
            **vars(running),
            **vars(kept),
            progress=not printing.quiet,
            **options,
        )
    _show(summary, printing)
    return int(summary.failed > 0)


def _show(summary: LabelSummary, printing: Printing) -> None:
    if printing.as_json:
        emit_json(summary.to_dict())
    else:
        before = summary.before
        counts = (summary.images, summary.rows, summary.failed, summary.labelled, before)
        emit_table(("images", "rows", "failed", "labelled now", "before"), [counts])
    for text in summary.notes:
        warn(text)
    if summary.audit is not None and not printing.quiet:
        note(
            f"Decide on the page {summary.audit}, download, then: "
            f"vlmscope stats {summary.folder} --decisions decisions.json"
        )
    for kind, each in list(summary.failures.items())[:_SHOWN]:
        warn(f"{each.count} failed with {kind}, the first of them {each.id}: {each.message}")
    if summary.failed and not printing.quiet:
        note("Failed images are tried again with --retry failed.")


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """A request to end ends the job as Ctrl-C does: parts stay whole, workers are ended, too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
