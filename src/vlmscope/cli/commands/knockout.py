"""``vlmscope knockout``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

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
from vlmscope.cli.console import emit, emit_table, note
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
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.knockout import KnockoutOptions

    return with_options(knockout, KnockoutOptions)


def knockout(
    options: dict[str, Any],
    name: ModelArgument = None,
    model: ModelOption = None,
    samples: Questions = "tiny-scenes:20",
    windows: Annotated[
        str | None,
        typer.Option(
            help="Layers of each window, such as 0-3,4-7,0-1+8; takes the place of sliding."
        ),
    ] = None,
    heads: Annotated[
        str | None, typer.Option(help="Heads that lose the edges, such as 0,3,7. Default: all.")
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            help="Hold answers against the clean one by the objects they name: coco, shapes, or a file "
            "with 'name: other word, ...' lines."
        ),
    ] = None,
    judge_model: Annotated[
        str | None,
        typer.Option(
            help="Hold answers against the clean one by this language model (extra: judge)."
        ),
    ] = None,
    judge_url: Annotated[
        str | None, typer.Option(help="Its OpenAI-compatible endpoint. Default: OpenAI's.")
    ] = None,
    judge_key: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable that holds its key.")
    ] = "OPENAI_API_KEY",
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
    """Block attention edges layer by layer and name the layers that carry the answer.

    For every window of layers: how much log-probability the model's own answer loses, how far the
    next-token distribution moves, whether the answer changes, and what is then said.
    """
    from vlmscope.analysis.knockout import KnockoutOptions, knockout_sweep
    from vlmscope.analysis.knockout.report import knockout_page, knockout_table, layers_table
    from vlmscope.data.questions import read_questions

    chosen = {
        **options,
        **({"windows": _windows(windows)} if windows is not None else {}),
        **({"heads": _heads(heads)} if heads is not None else {}),
    }
    settings = collect(KnockoutOptions, chosen)
    check_places(out, html, parquet)
    marked = _marking(objects, judge_model, judge_url, judge_key)
    questions = read_questions(samples)
    loaded = load_decoder(
        the_model(name, model), dtype, device, revision, trust_remote_code, max_side
    )
    found = knockout_sweep(loaded, questions, settings, **marked, resume=resume, progress=not quiet)
    deliver(
        {**found.to_dict(), "samples_from": samples},
        knockout_table(found),
        as_json=as_json,
        quiet=quiet,
        out=out,
        html=html,
        page=lambda: knockout_page(found, typed()),
        parquet=parquet,
        rows=found.rows(),
    )
    if not as_json:
        emit("")
        emit_table(*layers_table(found))
    if not quiet:
        for digest, reason in found.skipped.items():
            note(f"skipped {digest}: {reason}")
        if found.unjudged:
            note(
                f"{found.unjudged} answers could not be judged; they are left out, not counted as lost"
            )
    return 1 if found.skipped or found.unjudged else 0


def _windows(text: str) -> tuple[tuple[int, ...], ...]:
    from vlmscope.analysis.knockout.windows import parse_layers

    return tuple(parse_layers(part) for part in text.split(","))


def _heads(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise BadOptionError(f"Heads are numbers, such as 0,3,7, got {text!r}.")
    return tuple(int(part) for part in parts)


def _marking(objects: str | None, model: str | None, url: str | None, key: str) -> dict[str, Any]:
    """What answers are held against the clean one by, as arguments of the sweep."""
    found: dict[str, Any] = {}
    if objects is not None:
        from vlmscope.analysis.knockout import ObjectWords

        found["objects"] = ObjectWords.read(objects)
    if model is not None:
        from vlmscope.analysis.knockout import EndpointJudge

        found["judge"] = EndpointJudge(model, url, key)
    elif url is not None:
        raise BadOptionError("A judge needs the name of its model: add --judge-model NAME.")
    return found
