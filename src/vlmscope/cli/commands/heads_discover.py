"""``vlmscope heads discover``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import (
    AsJson,
    Device,
    Dtype,
    MaxPixels,
    MaxSide,
    ModelArgument,
    ModelOption,
    Quiet,
    Revision,
    TrustRemoteCode,
    load_decoder,
    the_model,
)
from vlmscope.cli.console import emit_json, note
from vlmscope.cli.headsets import show_head_set
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
    options: dict[str, Any],
    name: ModelArgument = None,
    model: ModelOption = None,
    samples: Annotated[
        str | None,
        typer.Option(
            help="A JSON-lines file, a folder with samples.jsonl, or tiny-scenes:N. Needed, but for "
            "the models that ship inside."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the head set here, as JSON.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="State file: finished samples are never computed again.")
    ] = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    dtype: Dtype = None,
    device: Device = None,
    revision: Revision = None,
    trust_remote_code: TrustRemoteCode = False,
    max_side: MaxSide = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Find a model's localization heads from images and phrases, without labels.

    Rows of a sample list look like {"image": "a.jpg", "phrase": "the red mug"}; a few hundred are
    enough, the paper uses 1,000. Bad rows are skipped, said, and make the exit code 1.
    """
    from vlmscope.heads import DiscoveryOptions, discover_heads

    chosen = the_model(name, model)
    settings = collect(DiscoveryOptions, options)
    check_place(out)
    rows = read_samples(samples or default_samples(chosen), max_pixels=max_pixels)
    loaded = load_decoder(chosen, dtype, device, revision, trust_remote_code, max_side)
    found = discover_heads(loaded, rows, settings, progress=not quiet, resume=resume)
    if out is not None:
        found.save(out)
    if as_json:
        emit_json(found.to_dict())
    else:
        show_head_set(found)
    if not quiet:
        note(f"wrote {out}" if out else "Not saved; --out heads.json keeps it.")
    return report_skipped(rows.skipped, found.skipped)
