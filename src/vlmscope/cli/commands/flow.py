"""``vlmscope flow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlmscope.cli.console import note
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Questions, Resume, report_skipped, typed

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.flow import FlowOptions

    return with_options(flow, FlowOptions)


def flow(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Questions = "tiny-scenes:50",
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Show who reads whom: how much attention each layer pays to image, system, query and answer.

    Rows of the question, of its last token and of the answer are followed through all layers and
    heads, over many images, with intervals. Nothing is blocked; see `vlmscope knockout` for that.
    """
    from vlmscope.analysis.flow import FlowOptions, attention_flow
    from vlmscope.analysis.flow.report import flow_page
    from vlmscope.analysis.flow.table import FLOW_COLUMNS, flow_table
    from vlmscope.data.questions import read_questions

    settings = collect(FlowOptions, options)
    output.check()
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    result = attention_flow(loaded, questions, settings, resume=resume, progress=not output.quiet)
    output.deliver(
        {**result.to_dict(), "samples_from": samples},
        flow_table(result),
        lambda: flow_page(result, typed()),
        result.rows(),
        FLOW_COLUMNS,
    )
    if not output.quiet and output.html is None:
        note("--html flow.html writes curves and maps by layer and head.")
    return report_skipped(result.skipped)
