"""``vlmscope explain``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import MaxPixels
from vlmscope.cli.console import note, warn
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_picture, image_argument, save_picture
from vlmscope.cli.results import Output, typed
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis and of the requests."""
    from vlmscope.analysis.endpoint import EndpointOptions, ExplainOptions

    return with_options(explain, ExplainOptions, EndpointOptions)


def explain(
    *,
    options: dict[str, Any],
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture; - for stdin.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked about it.")],
    answer: Annotated[
        str | None,
        typer.Option(
            help="The answer that is followed (default: the endpoint's own).",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = None,
    max_pixels: MaxPixels = 4_000_000,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Base address of an OpenAI-compatible chat endpoint, such as http://localhost:8000/v1.",
            show_default=False,
            rich_help_panel="Model",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Name of the model there.",
            show_default=False,
            rich_help_panel="Model",
        ),
    ] = None,
    key_from: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE",
            help="Environment variable that holds the key, never the key itself; '' sends none. Default: "
            "OPENAI_API_KEY, where it is set.",
            show_default=False,
            rich_help_panel="Model",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the picture with the map here.", rich_help_panel="Output"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="State file: what was answered is never asked again.", rich_help_panel="Output"
        ),
    ] = None,
    output: Output,
) -> int:
    """Hide parts of a picture from a served model, and see what its answer's log-probability loses.

    No weights are needed: any OpenAI-compatible chat endpoint that returns log-probabilities will do.
    """
    from vlmscope.analysis.endpoint import (
        Endpoint,
        EndpointOptions,
        ExplainOptions,
        explain_endpoint,
    )
    from vlmscope.analysis.endpoint.report import explanation_page
    from vlmscope.analysis.endpoint.table import (
        EXPLANATION_COLUMNS,
        explanation_rows,
        explanation_table,
    )

    if not endpoint or not model:
        missing = "--endpoint URL" if not endpoint else "--model NAME"
        raise BadOptionError(
            f"A served model is named by its address and its name there; {missing} is missing. On a model "
            "that is loaded: vlmscope faithfulness"
        )
    settings = collect(ExplainOptions, options)
    asked = Endpoint(endpoint, model, key_from=key_from, options=collect(EndpointOptions, options))
    output.check()
    check_picture(picture)
    result = explain_endpoint(
        asked,
        # its size is judged as it is sent, which --side makes smaller
        image_argument(image),
        question,
        settings,
        answer=answer,
        resume=resume,
        max_pixels=max_pixels,
        progress=not output.quiet,
    )
    if picture is not None:
        save_picture(result.overlay(), picture)
    output.deliver(
        result.to_dict(),
        explanation_table(result),
        lambda: explanation_page(result, typed()),
        explanation_rows(result),
        EXPLANATION_COLUMNS,
    )
    if not output.quiet:
        note(_asked(result.run))
    for sentence in result.warnings:
        warn(sentence)
    return 0 if result.trusted else 1


def _asked(run: dict[str, Any]) -> str:
    """How the endpoint was asked, and why not by a better way."""
    others = "; ".join(f"{name} {said}" for name, said in run["ways"].items() if said != "used")
    counted = {"sent": "requests", "repeated": "of them repeated", "from_disk": "answers from disk"}
    requests = [
        f"{run['requests'][name]} {what}"
        for name, what in counted.items()
        if run["requests"][name] or name == "sent"
    ]
    why = f" ({others})" if others else ""
    return f"log-probabilities by {run['way']}{why}; {', '.join(requests)}"
