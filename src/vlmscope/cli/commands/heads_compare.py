"""``vlmscope heads compare``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.console import emit, emit_table, note
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, typed

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
    loading: SizedLoading,
    output: Output,
) -> int:
    """Compare criteria of discovery: where their heads point, how stable they are, what they share.

    None of them looks at a label. Beside them stand the average of all heads and random heads, and
    what lies between every two, paired by image. Exit code 1 when a criterion found no heads, as
    coordinates do on a model that writes no boxes, or when rows were skipped.
    """
    from vlmscope.data.sample_lists import read_samples
    from vlmscope.heads import DiscoveryOptions
    from vlmscope.heads.compare import (
        CRITERIA_COLUMNS,
        DIFFERENCES_COLUMNS,
        compare_criteria,
        comparison_page,
    )

    settings = collect(DiscoveryOptions, options)
    output.check()
    rows, judged = read_samples(samples), read_samples(held_out, held_out=True)
    result = compare_criteria(
        loading.decoder(decoder.id),
        rows,
        judged,
        [each.strip() for each in criteria.split(",")],
        settings,
        draws=draws,
        progress=not output.quiet,
    )
    output.deliver(
        {**result.to_dict(), "samples_from": samples, "held_out_from": held_out},
        result.table(),
        lambda: comparison_page(result, typed()),
        result.rows(),
        CRITERIA_COLUMNS,
    )
    if not output.as_json:
        emit("")
        emit_table(*result.differences_table())
        if not output.quiet:
            emit(DIFFERENCES_COLUMNS)
        emit(f"{result.held_out} held-out samples; by chance {result.chance_pointing:.3f}")
    for text in result.notes:
        note(text)
    return 1 if result.notes else 0
