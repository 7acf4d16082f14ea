"""``vlmscope tokens``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.console import emit, emit_table, note, warn
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_picture, image_argument, save_picture
from vlmscope.cli.results import Output, report_skipped, typed
from vlmscope.errors import BadOptionError

if TYPE_CHECKING:
    from vlmscope.analysis.tokens import TokenOptions
    from vlmscope.models import LoadedModel

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.tokens import TokenOptions

    return with_options(tokens, TokenOptions)


@dataclass(frozen=True)
class Many:
    """In place of one picture, many questions."""

    panel: ClassVar[str] = "Input"

    samples: Annotated[
        str | None,
        typer.Option(
            help='In place of a picture: a JSON-lines file with {"image": ..., "question": ...} rows, '
            "perhaps with the mask of the object, or tiny-scenes:N[:KIND]."
        ),
    ] = None
    objects: Annotated[
        str | None,
        typer.Option(
            help='In place of a picture: answers whose objects are known, a row each: {"image": ..., '
            '"question": ..., "answer": ..., "phrase": part of the answer, "mask": its object}, or '
            "tiny-scenes:N."
        ),
    ] = None
    ask: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Ask this of every sample in place of its question."),
    ] = None
    resume: Annotated[
        Path | None,
        typer.Option(
            help="State file: finished samples are never computed again.", rich_help_panel="Output"
        ),
    ] = None

    def check(self, image: str | None, **single: Any) -> None:
        """Refuse what is of one picture.

        Raises:
            BadOptionError: neither or both sources, or an option of one picture.
        """
        sources = {"a picture": image, "--samples": self.samples, "--objects": self.objects}
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            got = "neither" if not given else "both" if len(given) == 2 else "all three"
            raise BadOptionError(f"Give a picture, or --samples or --objects with many; got {got}.")
        typed = [f"--{name}" for name, value in single.items() if value]
        if typed:
            raise BadOptionError(
                f"{', '.join(typed)}: of one picture, not of {given[0]}. Leave out."
            )
        if self.ask is not None and self.objects is not None:
            raise BadOptionError(
                "--ask is of --samples; --objects names answers, which are fed in."
            )
        if self.ask is not None and not self.ask.strip():
            raise BadOptionError("--ask leaves nothing to ask: the text is empty.")

    def refuse(self) -> None:
        """Raise BadOptionError for what only --samples takes."""
        if self.ask is not None or self.resume is not None:
            raise BadOptionError("--ask and --resume are of --samples, which is not given.")


def tokens(
    *,
    options: dict[str, Any],
    image: Annotated[
        str | None,
        typer.Argument(metavar="[IMAGE]", help="A picture; - for stdin. Or --samples."),
    ] = None,
    prompt: Annotated[
        str, typer.Argument(metavar="[PROMPT]", help="What is asked.")
    ] = "describe the picture",
    answer: Annotated[
        str | None,
        typer.Option(
            help="Take this as the answer; the model is not asked.", rich_help_panel="Input"
        ),
    ] = None,
    many: Many,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layers of the maps, 8-16; with --samples several ranges, 0-7,8-16,17-31. Default: "
            "the middle half, with --samples the quarters.",
            rich_help_panel="Method",
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
    marked: a hint of a guess. With --samples it is counted over many answers, by range of layers and
    kind of word: do words peak on their object, does "red" look where "bike" looks? With --objects words
    are held against the object that they are said of and the others of the picture.
    """
    from vlmscope.analysis.tokens import TokenOptions, token_grounding
    from vlmscope.analysis.tokens.picture import caption_picture
    from vlmscope.analysis.tokens.report import tokens_page
    from vlmscope.analysis.tokens.table import CAVEAT, TOKENS_COLUMNS, tokens_table
    from vlmscope.types import parse_heads

    ranges = None if layers is None else _ranges(layers)
    if image is None or many.samples is not None or many.objects is not None:
        many.check(image, answer=answer, heads=heads, phrase=phrase, picture=picture)
        settings = collect(TokenOptions, options)
        if settings.first_layer is not None or settings.last_layer is not None:
            raise BadOptionError(
                "With many answers layers are named by --layers, such as 0-7,8-16."
            )
        run = _many if many.objects is None else _objects
        return run(many, ranges, settings, lambda: loading.decoder(model), output)
    many.refuse()
    settings = collect(TokenOptions, {**options, **_own_layers(ranges, options)})
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


def _many(
    many: Many,
    ranges: tuple[tuple[int, int], ...] | None,
    settings: TokenOptions,
    load: Callable[[], LoadedModel],
    output: Output,
) -> int:
    from vlmscope.analysis.tokens import word_looks
    from vlmscope.analysis.tokens.looks_report import looks_page
    from vlmscope.analysis.tokens.looks_result import LOOKS_COLUMNS, PAIRS_COLUMNS
    from vlmscope.data.questions import read_questions

    output.check()
    questions = read_questions(many.samples or "")
    looks = word_looks(
        load(),
        questions,
        ranges,
        settings,
        ask=many.ask,
        resume=many.resume,
        progress=not output.quiet,
    )
    output.deliver(
        {**looks.to_dict(), "samples_from": many.samples},
        looks.table(),
        lambda: looks_page(looks, typed()),
        looks.rows(),
        LOOKS_COLUMNS,
    )
    if looks.pairs and not output.as_json:
        emit("")
        emit_table(*looks.pairs_table())
        if not output.quiet:
            emit(PAIRS_COLUMNS)
    if not output.quiet:
        for text in looks.notes:
            note(text)
    return report_skipped(looks.skipped)


def _objects(
    many: Many,
    ranges: tuple[tuple[int, int], ...] | None,
    settings: TokenOptions,
    load: Callable[[], LoadedModel],
    output: Output,
) -> int:
    from vlmscope.analysis.tokens import word_objects
    from vlmscope.analysis.tokens.object_rows import read_object_rows
    from vlmscope.analysis.tokens.objects_result import OBJECTS_COLUMNS, objects_page

    output.check()
    rows = read_object_rows(many.objects or "")
    found = word_objects(
        load(), rows, ranges, settings, resume=many.resume, progress=not output.quiet
    )
    output.deliver(
        {**found.to_dict(), "objects_from": many.objects},
        found.table(),
        lambda: objects_page(found, typed()),
        found.rows(),
        OBJECTS_COLUMNS,
    )
    if not output.as_json:
        emit(f"{found.objects} objects of {found.answers} answers")
    return report_skipped(found.skipped)


def _own_layers(
    ranges: tuple[tuple[int, int], ...] | None, options: dict[str, Any]
) -> dict[str, int]:
    """First and last layer of one range, as options."""
    if ranges is None:
        return {}
    if len(ranges) > 1:
        raise BadOptionError(
            f"One picture has one range of layers, got {len(ranges)}. Several go with --samples."
        )
    if {"first_layer", "last_layer"} & set(options):
        raise BadOptionError("--layers says the first and the last layer. Leave the others out.")
    return {"first_layer": ranges[0][0], "last_layer": ranges[0][1]}


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    from vlmscope.analysis.knockout.windows import parse_layers

    ranges = []
    for part in text.split(","):
        layers = parse_layers(part)
        if len(layers) != layers[-1] - layers[0] + 1:
            raise BadOptionError(f"--layers takes ranges without gaps, got {part!r}.")
        ranges.append((layers[0], layers[-1]))
    return tuple(ranges)
