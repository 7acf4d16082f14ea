"""``vlmscope prompts``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from vlmscope.analysis.prompts import PromptOptions

    return with_options(prompts, PromptOptions)


def prompts(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Questions = "tiny-scenes:20",
    replace: Annotated[
        list[str] | None,
        typer.Option(
            help="Ask this in place of each question, {} standing for it; repeatable.",
            metavar="TEXT",
            rich_help_panel="Method",
        ),
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(
            help='Ask this of the same pictures, such as "describe the picture", and show both side by '
            "side.",
            metavar="TEXT",
            rich_help_panel="Method",
        ),
    ] = None,
    words: Annotated[
        bool,
        typer.Option(
            help="Leave out each word of a question in turn: most of the work.",
            rich_help_panel="Method",
        ),
    ] = True,
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Remove, replace and re-order parts of prompts and see what the answer needed.

    The system sentence, "in this image", every word of the question one by one, its order; and what
    the query tokens alone know when the answer may not read the image.
    """
    from vlmscope.analysis.prompts import PromptOptions, prompt_ablation
    from vlmscope.analysis.prompts.beside import prompts_beside
    from vlmscope.analysis.prompts.report import prompts_page
    from vlmscope.analysis.prompts.table import (
        BESIDE_COLUMNS,
        DIFFERENCES_COLUMNS,
        PROMPTS_COLUMNS,
        prompts_table,
    )
    from vlmscope.data.questions import read_questions

    settings = collect(PromptOptions, options)
    output.check()
    if beside is not None and not beside.strip():
        raise BadOptionError("--beside leaves nothing to ask: the text is empty.")
    replacements = _replacements(replace or ())
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    settings_of_run: dict[str, Any] = {
        "replacements": replacements,
        "words": words,
        "resume": resume,
        "progress": not output.quiet,
    }
    pair = None
    if beside is None:
        result = prompt_ablation(loaded, questions, settings, **settings_of_run)
    else:
        pair = prompts_beside(loaded, questions, beside, settings, **settings_of_run)
        result = pair.asked
    output.deliver(
        {**(pair or result).to_dict(), "samples_from": samples},
        prompts_table(result),
        lambda: prompts_page(result, typed(), pair),
        result.rows(),
        PROMPTS_COLUMNS,
    )
    if pair is not None and not output.as_json:
        emit("")
        emit_table(*pair.table())
        if not output.quiet:
            emit(BESIDE_COLUMNS)
        emit("")
        emit_table(*pair.differences_table())
        if not output.quiet:
            emit(DIFFERENCES_COLUMNS)
    return report_skipped(result.skipped if pair is None else pair.every_skipped)


def _replacements(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if not text.strip():
            raise BadOptionError("--replace leaves nothing to ask: the text is empty.")
    return {f"asked as: {text}": text for text in texts}
