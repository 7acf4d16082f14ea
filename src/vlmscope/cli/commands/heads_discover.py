"""``vlmscope heads discover``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import MaxPixels, Printing
from vlmscope.cli.console import emit_json, note
from vlmscope.cli.headsets import show_head_set
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_place
from vlmscope.cli.results import default_samples, report_skipped
from vlmscope.data.images import MAX_PIXELS
from vlmscope.data.sample_lists import read_samples

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
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Find a model's localization heads from images and phrases, without labels.

    Rows of a sample list look like {"image": "a.jpg", "phrase": "the red mug"}; a few hundred are
    enough, the paper uses 1,000. Bad rows are skipped, said, and make the exit code 1.
    """
    from vlmscope.heads import DiscoveryOptions, discover_heads

    chosen = decoder.id
    settings = collect(DiscoveryOptions, options)
    check_place(out)
    rows = read_samples(samples or default_samples(chosen), max_pixels=max_pixels)
    loaded = loading.decoder(chosen)
    discovered = discover_heads(loaded, rows, settings, progress=not printing.quiet, resume=resume)
    if out is not None:
        discovered.save(out)
    if printing.as_json:
        emit_json(discovered.to_dict())
    else:
        show_head_set(discovered)
    if not printing.quiet:
        note(f"wrote {out}" if out else "Not saved; --out heads.json keeps it.")
    return report_skipped(rows.skipped, discovered.skipped)
