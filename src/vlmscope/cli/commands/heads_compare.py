"""``vlmscope heads compare``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_place
from vlmscope.io import write_json

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of discovery but the criterion."""
    from vlmscope.heads import DiscoveryOptions

    return with_options(compare, DiscoveryOptions, without=("criterion",))


def compare(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Annotated[
        str,
        typer.Option(
            help="What heads are discovered on: a JSON-lines file with several phrases of each "
            "picture, one row after the other, or tiny-scenes:N:every.",
            rich_help_panel="Input",
        ),
    ] = "tiny-scenes:50:every",
    held_out: Annotated[
        str,
        typer.Option(
            help="What they are judged on: rows with boxes or masks, or tiny-scenes:N.",
            rich_help_panel="Input",
        ),
    ] = "tiny-scenes:100",
    criteria: Annotated[
        str,
        typer.Option(
            help="Which criteria, with commas; the others are held against the first.",
            rich_help_panel="Method",
        ),
    ] = "published,contrastive,image-mass,coordinates",
    draws: Annotated[
        int,
        typer.Option(
            help="Random halves of the pictures, for stability.", rich_help_panel="Method"
        ),
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write the result here, as JSON.", rich_help_panel="Output"
        ),
    ] = None,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Compare criteria of discovery: where their heads point, how stable they are, what they share.

    None of them looks at a label. Exit code 1 when a criterion found no heads, as coordinates do on a
    model that writes no boxes.
    """
    from vlmscope.data.sample_lists import read_samples
    from vlmscope.heads import DiscoveryOptions
    from vlmscope.heads.compare import CRITERIA_COLUMNS, compare_criteria

    settings = collect(DiscoveryOptions, options)
    check_place(out)
    rows, judged = read_samples(samples), read_samples(held_out, held_out=True)
    result = compare_criteria(
        loading.decoder(decoder.id),
        rows,
        judged,
        [each.strip() for each in criteria.split(",")],
        settings,
        draws=draws,
        progress=not printing.quiet,
    )
    if out is not None:
        write_json(out, result.to_dict())
    if printing.as_json:
        emit_json(result.to_dict())
    else:
        emit_table(*result.table())
        average = result.average_pointing
        beside = "" if average is None else f"; the average of all heads points at {average:.3f}"
        emit(f"{result.held_out} held-out samples; by chance {result.chance_pointing:.3f}{beside}")
        if not printing.quiet:
            emit(CRITERIA_COLUMNS)
    for name, reason in result.failed.items():
        note(f"{name}: no heads. {reason}")
    return 1 if result.failed else 0
