"""``vlmscope hallucination``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.console import note
from vlmscope.cli.data_options import Split
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Resume, report_skipped, typed

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.hallucination import HallucinationOptions

    return with_options(hallucination, HallucinationOptions)


def hallucination(
    *,
    options: dict[str, Any],
    dataset: Annotated[
        str, typer.Argument(metavar="pope|chair", help="Whose questions are asked.")
    ],
    root: Annotated[
        Path | None, typer.Option(help="Folder of the data set.", rich_help_panel="Input")
    ] = None,
    split: Split = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first images.", rich_help_panel="Input")
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Take a split that is cut short.", rich_help_panel="Input"),
    ] = False,
    model: ModelName = "tiny-llava",
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Say which sign tells objects that are there from imagined ones, mention by mention.

    Attention on the image, gain over a blank image, what attended patches decode to, what is lost
    without them, agreement of heads: beside the answer's own probability and the base rate.
    """
    from vlmscope.analysis.hallucination import HallucinationOptions
    from vlmscope.analysis.hallucination import hallucination as measured
    from vlmscope.analysis.hallucination.report import hallucination_page
    from vlmscope.analysis.hallucination.table import (
        HALLUCINATION_COLUMNS,
        hallucination_table,
        summary,
    )
    from vlmscope.data.datasets import open_dataset

    settings = collect(HallucinationOptions, options)
    output.check()
    data = open_dataset(dataset, root, split=split, partial=partial)
    loaded = loading.decoder(model)
    result = measured(loaded, data, settings, limit=limit, resume=resume, progress=not output.quiet)
    output.deliver(
        result.to_dict(),
        hallucination_table(result),
        lambda: hallucination_page(result, typed()),
        result.rows(),
        HALLUCINATION_COLUMNS,
    )
    if not output.as_json:
        for line in summary(result):
            note(line)
    return report_skipped([f"{each.image_id}: {each.reason}" for each in result.skipped])
