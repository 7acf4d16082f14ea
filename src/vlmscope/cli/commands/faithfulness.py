"""``vlmscope faithfulness``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.console import emit, emit_table
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Questions, Resume, report_skipped, typed
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.faithfulness import FaithfulnessOptions

    return with_options(faithfulness, FaithfulnessOptions)


def faithfulness(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Questions = "tiny-scenes:20",
    method: Annotated[
        str,
        typer.Option(
            help="Methods whose maps are tried, with commas; each grounds a row's phrase, or its question.",
            rich_help_panel="Method",
        ),
    ] = "localization-heads,mean-attention",
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Take away what a map lights up, and all the rest: does the answer need it, and is it enough?

    Deletion and insertion curves of the answer's probability, beside a random order and each map's
    own reverse.
    """
    from vlmscope.analysis.faithfulness import FaithfulnessOptions
    from vlmscope.analysis.faithfulness import faithfulness as measure
    from vlmscope.analysis.faithfulness.report import faithfulness_page
    from vlmscope.analysis.faithfulness.table import (
        FAITHFULNESS_COLUMNS,
        agreement_table,
        faithfulness_table,
    )
    from vlmscope.data.questions import read_questions

    settings = collect(FaithfulnessOptions, options)
    output.check()
    names = [name.strip() for name in method.split(",") if name.strip()]
    if not names:
        raise BadOptionError("--method names no method. List them with: vlmscope methods")
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    result = measure(
        loaded,
        questions,
        None,
        settings,
        maps=names,
        resume=resume,
        progress=not output.quiet,
    )
    output.deliver(
        {**result.to_dict(), "samples_from": samples},
        faithfulness_table(result),
        lambda: faithfulness_page(result, typed()),
        result.rows(),
        FAITHFULNESS_COLUMNS,
    )
    if result.agreement and not output.as_json:
        emit("")
        emit_table(*agreement_table(result))
    return report_skipped(result.skipped)
