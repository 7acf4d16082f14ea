"""``vlmscope heads discover``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Batch, MaxPixels, Printing
from vlmscope.cli.console import emit_json, note
from vlmscope.cli.headsets import show_head_set
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.pictures import pictures_of
from vlmscope.cli.places import check_place
from vlmscope.cli.results import default_samples, report_skipped
from vlmscope.data.images import MAX_PIXELS
from vlmscope.data.sample_lists import read_samples
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of discovery."""
    from vlmscope.heads import DiscoveryOptions

    return with_options(discover, DiscoveryOptions)


def discover(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Annotated[
        str | None,
        typer.Option(
            help="A JSON-lines file, a folder with samples.jsonl, or tiny-scenes:N. Needed, but for "
            "the models that ship inside.",
            rich_help_panel="Input",
        ),
    ] = None,
    images: Annotated[
        list[str],
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="In place of samples: images alone, a folder, file, pattern or .txt list; again for "
            "more. The model captions them, and heads are kept for later calls.",
            rich_help_panel="Input",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--no-keep",
            help="Keep the heads on this machine, where later calls on the same weights find them. "
            "Default: with --images.",
            rich_help_panel="Output",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write the head set here, as JSON.", rich_help_panel="Output"
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="State file: finished samples are never computed again.", rich_help_panel="Output"
        ),
    ] = None,
    batch: Batch = 1,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Find a model's localization heads from images and phrases, or images alone, without labels.

    Rows of a sample list look like {"image": "a.jpg", "phrase": "the red mug"}; a few hundred are
    enough, the paper uses 1,000. With --images the phrases are those of the model's own captions,
    checked against nothing. Bad rows and images are skipped, said, and make the exit code 1.
    """
    from vlmscope.heads import DiscoveryOptions, discover_heads
    from vlmscope.heads.kept import keep as keep_heads

    chosen = decoder.id
    settings = collect(DiscoveryOptions, options)
    check_place(out)
    if images and samples is not None:
        raise BadOptionError("--samples and --images are two sources. Take one.")
    files = pictures_of(images) if images else None
    rows = (
        None if images else read_samples(samples or default_samples(chosen), max_pixels=max_pixels)
    )
    loaded = loading.decoder(chosen)
    discovered = discover_heads(
        loaded,
        rows,
        settings,
        images=None if files is None else [file.path for file in files],
        progress=not printing.quiet,
        resume=resume,
        batch=batch,
    )
    data = f"{len(files)} pictures" if files else Path(samples or default_samples(chosen)).name
    discovered = replace(discovered, options={**discovered.options, "data": data})
    if out is not None:
        discovered.save(out)
    kept = keep_heads(discovered) if (bool(images) if keep is None else keep) else None
    if printing.as_json:
        emit_json(discovered.to_dict())
    else:
        show_head_set(discovered)
    if not printing.quiet:
        if kept is not None:
            note(f"kept as {kept}: later calls on these weights find them")
        if out is not None or kept is None:
            note(f"wrote {out}" if out else "Not saved; --out heads.json keeps it.")
    return report_skipped(discovered.skipped)
