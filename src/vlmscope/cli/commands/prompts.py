"""``vlmscope prompts``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

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
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Remove, replace and re-order parts of prompts and see what the answer needed.

    The system sentence, "in this image", every word of the question one by one, its order; and what
    the query tokens alone know when the answer may not read the image.
    """
    from vlmscope.analysis.prompts import PromptOptions, prompt_ablation
    from vlmscope.analysis.prompts.report import prompts_page
    from vlmscope.analysis.prompts.table import PROMPTS_COLUMNS, prompts_table
    from vlmscope.data.questions import read_questions

    settings = collect(PromptOptions, options)
    output.check()
    replacements = _replacements(replace or ())
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    result = prompt_ablation(
        loaded,
        questions,
        settings,
        replacements=replacements,
        resume=resume,
        progress=not output.quiet,
    )
    output.deliver(
        {**result.to_dict(), "samples_from": samples},
        prompts_table(result),
        lambda: prompts_page(result, typed()),
        result.rows(),
        PROMPTS_COLUMNS,
    )
    return report_skipped(result.skipped)


def _replacements(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if not text.strip():
            raise BadOptionError("--replace leaves nothing to ask: the text is empty.")
    return {f"asked as: {text}": text for text in texts}
