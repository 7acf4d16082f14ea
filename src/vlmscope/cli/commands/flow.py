"""``vlmscope flow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlmscope.cli.arguments import (
    AsJson,
    Device,
    Dtype,
    MaxSide,
    ModelArgument,
    ModelOption,
    Quiet,
    Revision,
    TrustRemoteCode,
    load_decoder,
    the_model,
)
from vlmscope.cli.console import note
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import (
    Html,
    JsonFile,
    Parquet,
    Questions,
    Resume,
    check_places,
    deliver,
    typed,
)

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.flow import FlowOptions

    return with_options(flow, FlowOptions)


def flow(
    options: dict[str, Any],
    name: ModelArgument = None,
    model: ModelOption = None,
    samples: Questions = "tiny-scenes:50",
    out: JsonFile = None,
    html: Html = None,
    parquet: Parquet = None,
    resume: Resume = None,
    dtype: Dtype = None,
    device: Device = None,
    revision: Revision = None,
    trust_remote_code: TrustRemoteCode = False,
    max_side: MaxSide = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Show who reads whom: how much attention each layer pays to image, system, query and answer.

    Rows of the question, of its last token and of the answer are followed through all layers and
    heads, over many images, with intervals. Nothing is blocked; see `vlmscope knockout` for that.
    """
    from vlmscope.analysis.flow import FlowOptions, attention_flow
    from vlmscope.analysis.flow.report import flow_page, flow_table
    from vlmscope.data.questions import read_questions

    settings = collect(FlowOptions, options)
    check_places(out, html, parquet)
    questions = read_questions(samples)
    loaded = load_decoder(
        the_model(name, model), dtype, device, revision, trust_remote_code, max_side
    )
    found = attention_flow(loaded, questions, settings, resume=resume, progress=not quiet)
    deliver(
        {**found.to_dict(), "samples_from": samples},
        flow_table(found),
        as_json=as_json,
        quiet=quiet,
        out=out,
        html=html,
        page=lambda: flow_page(found, typed()),
        parquet=parquet,
        rows=found.rows(),
    )
    if not quiet and html is None:
        note("--html flow.html writes curves and maps by layer and head.")
    return 0
