"""``vlmscope knockout``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.console import emit, emit_table, note
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Questions, Resume, report_skipped, typed
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.knockout import KnockoutOptions

    return with_options(knockout, KnockoutOptions)


@dataclass(frozen=True)
class Judging:
    """By what answers under a knock-out are held against the clean one."""

    panel: ClassVar[str] = "Judging answers"

    objects: Annotated[
        str | None,
        typer.Option(
            help="Hold answers against the clean one by the objects they name: coco, shapes, or a file "
            "with 'name: other word, ...' lines."
        ),
    ] = None
    judge_model: Annotated[
        str | None,
        typer.Option(
            help="Hold answers against the clean one by this language model (extra: judge)."
        ),
    ] = None
    judge_url: Annotated[
        str | None, typer.Option(help="Its OpenAI-compatible endpoint. Default: OpenAI's.")
    ] = None
    judge_key: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable that holds its key.")
    ] = "OPENAI_API_KEY"

    def ways(self) -> dict[str, Any]:
        """As arguments of the sweep.

        Raises:
            BadOptionError: an endpoint without the name of its model.
        """
        ways: dict[str, Any] = {}
        if self.objects is not None:
            from vlmscope.analysis.knockout import ObjectWords

            ways["objects"] = ObjectWords.read(self.objects)
        if self.judge_model is not None:
            from vlmscope.analysis.knockout import EndpointJudge

            ways["judge"] = EndpointJudge(self.judge_model, self.judge_url, self.judge_key)
        elif self.judge_url is not None:
            raise BadOptionError("A judge needs the name of its model: add --judge-model NAME.")
        return ways


def knockout(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Questions = "tiny-scenes:20",
    windows: Annotated[
        str | None,
        typer.Option(
            help="Layers of each window, such as 0-3,4-7,0-1+8; takes the place of sliding.",
            rich_help_panel="Method",
        ),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(
            help="Heads that lose the edges, such as 0,3,7. Default: all.", rich_help_panel="Method"
        ),
    ] = None,
    judging: Judging,
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Block attention edges layer by layer and name the layers that carry the answer.

    For every window of layers: how much log-probability the model's own answer loses, how far the
    next-token distribution moves, whether the answer changes, and what is then said.
    """
    from vlmscope.analysis.knockout import KnockoutOptions, knockout_sweep
    from vlmscope.analysis.knockout.report import knockout_page
    from vlmscope.analysis.knockout.table import (
        LAYERS_COLUMNS,
        knockout_columns,
        knockout_table,
        layers_table,
    )
    from vlmscope.data.questions import read_questions

    chosen = {
        **options,
        **({"windows": _windows(windows)} if windows is not None else {}),
        **({"heads": _heads(heads)} if heads is not None else {}),
    }
    settings = collect(KnockoutOptions, chosen)
    output.check()
    ways = judging.ways()
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    result = knockout_sweep(
        loaded, questions, settings, **ways, resume=resume, progress=not output.quiet
    )
    output.deliver(
        {**result.to_dict(), "samples_from": samples},
        knockout_table(result),
        lambda: knockout_page(result, typed()),
        result.rows(),
        knockout_columns(result),
    )
    if not output.as_json:
        emit("")
        emit_table(*layers_table(result))
        if not output.quiet:
            emit(LAYERS_COLUMNS)
    if result.unjudged and not output.quiet:
        note(
            f"{result.unjudged} answers could not be judged; they are left out, not counted as lost"
        )
    skipped = report_skipped(result.skipped)
    return 1 if result.unjudged else skipped


def _windows(text: str) -> tuple[tuple[int, ...], ...]:
    from vlmscope.analysis.knockout.windows import parse_layers

    return tuple(parse_layers(part) for part in text.split(","))


def _heads(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise BadOptionError(f"Heads are numbers, such as 0,3,7, got {text!r}.")
    return tuple(int(part) for part in parts)
