"""``vlmscope tokens``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.console import emit, note, warn
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_picture, image_argument, save_picture
from vlmscope.cli.results import Output, typed

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.tokens import TokenOptions

    return with_options(tokens, TokenOptions)


def tokens(
    *,
    options: dict[str, Any],
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture; - for stdin.")],
    prompt: Annotated[
        str, typer.Argument(metavar="[PROMPT]", help="What is asked.")
    ] = "describe the picture",
    answer: Annotated[
        str | None,
        typer.Option(
            help="Take this as the answer; the model is not asked.", rich_help_panel="Input"
        ),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(
            help='Read these heads alone, for example "L14H24,L14H13".', rich_help_panel="Method"
        ),
    ] = None,
    phrase: Annotated[
        list[str] | None,
        typer.Option(
            help="Ground this part of the answer in place of its noun phrases; repeatable.",
            rich_help_panel="Method",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Write the grounded caption here, as a picture.", rich_help_panel="Output"
        ),
    ] = None,
    model: ModelName = "tiny-llava",
    loading: SizedLoading,
    output: Output,
) -> int:
    """Show what each word of an answer looked at, and a box for each thing that it names.

    The model answers, or an answer is given; every word's attention is read on the image, on a blank
    image, and its probability once more with the image blocked. Words that do not need the image are
    marked: a hint of a guess.
    """
    from vlmscope.analysis.tokens import TokenOptions, token_grounding
    from vlmscope.analysis.tokens.picture import caption_picture
    from vlmscope.analysis.tokens.report import tokens_page
    from vlmscope.analysis.tokens.result import CAVEAT
    from vlmscope.analysis.tokens.table import TOKENS_COLUMNS, tokens_table
    from vlmscope.types import parse_heads

    settings = collect(TokenOptions, options)
    output.check()
    check_picture(picture)
    chosen = None if heads is None else parse_heads(heads)
    opened = image_argument(image)
    loaded = loading.decoder(model)
    result = token_grounding(
        loaded, opened, prompt, answer, settings, heads=chosen, phrases=phrase or None
    )
    for text in result.warnings:
        warn(text)
    if picture is not None:
        save_picture(caption_picture(result), picture)
    if not output.as_json:
        emit(result.text)
    output.deliver(
        result.to_dict(),
        tokens_table(result),
        lambda: tokens_page(result, typed()),
        result.rows(),
        TOKENS_COLUMNS,
    )
    if not output.as_json:
        for each in result.phrases:
            box = "nothing" if each.box is None else " ".join(f"{v:.0f}" for v in each.box)
            emit(f"{each.phrase}: {box}")
    if not output.quiet:
        note(CAVEAT)
        if picture is not None:
            note(f"wrote {picture}")
    return 0
