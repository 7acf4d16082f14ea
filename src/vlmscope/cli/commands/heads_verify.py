"""``vlmscope heads verify``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Batch, MaxPixels, Printing
from vlmscope.cli.completion import head_sets, model_names
from vlmscope.cli.console import emit_json, note
from vlmscope.cli.headsets import open_heads, show_head_set
from vlmscope.cli.loading import SizedLoading
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_place
from vlmscope.cli.results import default_samples, report_skipped
from vlmscope.data.images import MAX_PIXELS
from vlmscope.data.sample_lists import read_samples

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(verify)


def verify(
    *,
    heads: Annotated[
        str,
        typer.Argument(
            metavar="HEADS",
            help="A head file, the name of a published set, or heads such as L14H24,L14H13.",
            show_default=False,
            autocompletion=head_sets,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Default: the model that the heads were made for.",
            rich_help_panel="Model",
            autocompletion=model_names,
        ),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            help="A JSON-lines file with boxes or masks, a folder, or tiny-scenes:N. Needed, but for "
            "the models that ship inside.",
            rich_help_panel="Input",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write the set with its evidence here, as JSON.",
            rich_help_panel="Output",
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep/--no-keep",
            help="Keep the set with its evidence on this machine, where later calls on the same "
            "weights find it.",
            rich_help_panel="Output",
        ),
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="State file: finished samples are never computed again.", rich_help_panel="Output"
        ),
    ] = None,
    post: Annotated[
        str | None,
        typer.Option(
            help="Post-processing: paper or default; else the model's own.",
            rich_help_panel="Post-processing",
        ),
    ] = None,
    placement: Annotated[
        str | None,
        typer.Option(help="How images are fitted: pad or processor.", rich_help_panel="Method"),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of the random sets and the bootstrap.", rich_help_panel="Method")
    ] = 0,
    batch: Batch = 1,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Measure heads on samples with boxes or masks that discovery did not see.

    Exit code 1 when rows were skipped, or when the heads are no better than chance.
    """
    from vlmscope.heads import verify_heads
    from vlmscope.heads.kept import keep as keep_heads

    check_place(out)
    head_set = open_heads(heads)
    chosen = model or getattr(head_set, "model", None) or "tiny-llava"
    rows = read_samples(samples or default_samples(chosen), held_out=True, max_pixels=max_pixels)
    loaded = loading.decoder(chosen)
    verified = verify_heads(
        loaded,
        head_set,
        rows,
        post=post,
        placement=placement,
        progress=not printing.quiet,
        seed=seed,
        resume=resume,
        batch=batch,
    )
    if out is not None:
        verified.save(out)
    kept = keep_heads(verified) if keep else None
    if printing.as_json:
        emit_json(verified.to_dict())
    else:
        show_head_set(verified)
    if not printing.quiet:
        if kept is not None:
            note(f"kept as {kept}: later calls on these weights find them")
        if out is not None or kept is None:
            note(f"wrote {out}" if out else "Not saved; --out heads.json keeps the evidence.")
    assert verified.evidence is not None  # what verify_heads is for
    skipped = report_skipped(verified.evidence.skipped)
    return skipped if verified.evidence.better_than_chance else 1
