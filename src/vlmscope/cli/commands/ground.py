"""``vlmscope ground``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import MaxPixels, TextCache
from vlmscope.cli.completion import method_names
from vlmscope.cli.console import note
from vlmscope.cli.ground_formats import form_of
from vlmscope.cli.ground_output import GroundOutput, PictureResult
from vlmscope.cli.ground_results import of_comparison, of_groundings
from vlmscope.cli.ground_run import GroundRun
from vlmscope.cli.ground_say import check_say
from vlmscope.cli.ground_say import say as compare
from vlmscope.cli.loading import ModelName, SizedLoading, TextEmbeddings, TextTower
from vlmscope.cli.model_kind import named_default, named_methods
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.pictures import sort_words
from vlmscope.cli.places import image_argument
from vlmscope.cli.serving.served import Served, check_words
from vlmscope.cli.together.attention_reading import AttentionReading
from vlmscope.cli.together.shared_output import SharedOutput, check_together
from vlmscope.data.images import MAX_PIXELS, OpenedImage
from vlmscope.errors import BadOptionError, BadPhraseError

if TYPE_CHECKING:
    from vlmscope.methods import Method
    from vlmscope.models import Prompt

__all__ = ["command"]

ALL = "all"
SAY = object()
MODEL = "tiny-llava"


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the methods that ``words`` name."""
    from vlmscope.methods.encoder.options import PIXEL_OPTIONS

    kinds = (method.options for method in _methods(words))
    return with_options(ground, *kinds, without=PIXEL_OPTIONS)


def _methods(words: list[str]) -> tuple[Method, ...]:
    """Those that will run: the one named, all of the model's, or else the model's default."""
    from vlmscope.methods import get_method

    name = peek(words, "--method")
    if name is not None and name != ALL:
        return (get_method(name),)
    return named_methods(words, MODEL) if name == ALL else (named_default(words, MODEL),)


@dataclass(frozen=True)
class Reading(AttentionReading):
    """How the model is asked and its answer read, as options of the command; None: its own way."""

    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="TOWER",
            help="A second vision tower, for proxyclip: hub id or folder of a DINO, DINOv2 or DINOv3.",
            show_default=False,
        ),
    ] = None
    refine: Annotated[
        str | None,
        typer.Option(
            metavar="SAM",
            help="Let SAM draw the masks: hub id or folder.",
            show_default=False,
            rich_help_panel="Post-processing",
        ),
    ] = None
    refine_prompt: Annotated[
        str | None,
        typer.Option(
            help="What prompts SAM: box, point, both, or mask. Default: box.",
            show_default=False,
            rich_help_panel="Post-processing",
        ),
    ] = None

    def check_refine(self) -> None:
        """Say before a model is loaded what is wrong with SAM's prompt.

        Raises:
            BadOptionError: a prompt without a SAM.
            UnknownNameError: a prompt that there is none of.
        """
        from vlmscope.refine import RefineOptions

        if self.refine_prompt is None:
            return
        if self.refine is None:
            raise BadOptionError(
                f"--refine-prompt {self.refine_prompt} says what prompts SAM, and there is no SAM. "
                "Give one with --refine."
            )
        RefineOptions(self.refine_prompt)


def ground(
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE... PHRASE",
            help="Pictures: files, folders, patterns, a .txt file with one path per line, or - for "
            "stdin; then what to find in each of them.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    phrase: Annotated[
        list[str],
        typer.Option(
            "--phrase",
            "-p",
            metavar="PHRASE",
            help="What to find; again for another.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = [],  # noqa: B006
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="Show the model all pictures in one prompt: in which of them is it, and where?",
            rich_help_panel="Input",
        ),
    ] = False,
    served: Served,
    options: dict[str, Any],
    model: ModelName = MODEL,
    text_embeddings: TextEmbeddings = None,
    text_tower: TextTower = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="See: vlmscope methods. 'all': every method that runs on the model, side by side. "
            "Default: sc-clip on a CLIP or a classifier, gem on other encoders, "
            "localization-heads on decoders.",
            show_default=False,
            rich_help_panel="Method",
            autocompletion=method_names,
        ),
    ] = None,
    reading: Reading,
    text_cache: TextCache = True,
    say: Annotated[
        bool,
        typer.Option(
            "--say",
            help="Let the model write its own boxes and compare them with where it looked.",
            rich_help_panel="Method",
        ),
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: SizedLoading,
    output: GroundOutput,
) -> int:
    """Find phrases in pictures: box, peak and score on stdout, overlays on request.

    Every phrase is looked for in every picture. Boxes are (x0, y0, x1, y1) in pixels of the upright
    image. Options of another method show with --method NAME --help. Exit code 1 when a picture could
    not be read, or --method all had to leave a method out.
    """
    from vlmscope.methods import ground_pictures
    from vlmscope.models import Prompt

    # whatever can be wrong without the model is said before a model is loaded
    if served.named:
        foreign = {
            "--phrase": phrase or None,
            "--model": None if model == MODEL else model,
            "--method": None if method == "localization-heads" else method,
            "--proxy": reading.proxy,
            "--refine": reading.refine,
            "--text-embeddings": text_embeddings,
            "--text-tower": text_tower,
            "--say": say or None,
            "--together": together or None,
            "--dtype": loading.dtype,
            "--device": loading.device,
            "--revision": loading.revision,
            "--trust-remote-code": loading.trust_remote_code or None,
            "--max-side": loading.max_side,
        }
        keywords = {**reading.keywords(), "rows": reading.rows, **options}
        foreign |= {f"--{name}": keywords.pop(name) for name in ("placement", "prompt")}
        return served.run(words, foreign, keywords, output, max_pixels)
    check_words(words)
    pictures, texts = sort_words(words, phrase, output.out)
    prompts = [Prompt.of(_decoded(text)) for text in texts]
    if together:
        named = {
            "--say": say or None,
            "--method all": "" if method == ALL else None,
            "--proxy": reading.proxy,
            "--refine": reading.refine,
            "--no-overlays": None if output.overlays else "",
        }
        result = SharedOutput.of_ground(output)
        check_together(pictures, named)
        result.check()
        opened_all = [image_argument(str(each.path), max_pixels) for each in pictures.files]
        decoder: Any = loading.model(model, text_embeddings, text_tower)
        settings = {**reading.keywords(), "rows": reading.rows, **options}
        return result.deliver(ground_pictures(decoder, opened_all, prompts, method, **settings))
    form = form_of(output, pictures.alone, texts)
    output.check(pictures.alone)
    if method == ALL:
        output.check_format(("table", "json", "jsonl", "csv"), "The result of --method all")
        if reading.proxy is not None:
            raise BadOptionError(
                "--proxy is for proxyclip, and --method all runs what needs no second tower. Leave one "
                "of them out."
            )
    if say:
        output.check_format(("table", "json", "jsonl"), "The result of --say")
        other = method if method != "localization-heads" else None
        sam = {"--refine": reading.refine, "--refine-prompt": reading.refine_prompt}
        clash = {"--method": other, "--rows": reading.rows, "--proxy": reading.proxy, **sam}
        check_say(output, len(prompts), clash)
    reading.check_refine()
    opened = image_argument(words[0], max_pixels) if pictures.alone else None
    settings = {**reading.keywords(), **options}
    refiner = None if reading.refine is None else loading.refiner(reading.refine)
    loaded: Any = loading.model(model, text_embeddings, text_tower)
    if reading.proxy is not None:
        settings["proxy"] = loading.tower(reading.proxy)
    if not say:
        settings |= {"rows": reading.rows, "refine": refiner}
        settings |= {"refine_prompt": reading.refine_prompt}
    for text in () if output.quiet else pictures.said(texts):
        note(text)
    if not say and method != ALL:
        settings["text_cache"] = text_cache
    look = _look(output, loaded, prompts, SAY if say else method, settings)
    run = GroundRun(look, pictures, output, form, max_pixels)
    return run.all() if opened is None else run.one(opened)


def _look(
    output: GroundOutput,
    model: Any,
    prompts: list[Prompt],
    method: Any,
    settings: dict[str, Any],
) -> Callable[[OpenedImage], PictureResult]:
    """From a picture to its result; everything that does not depend on the picture is done here."""
    from vlmscope.methods import compare_methods, grounder

    if method == SAY:
        return lambda opened: compare(output, opened, model, prompts, **settings)
    if method == ALL:
        return lambda opened: of_comparison(
            output, compare_methods(model, opened, prompts, None, **settings)
        )
    ready = grounder(model, prompts, method, **settings)
    return lambda opened: of_groundings(output, ready(opened))


def _decoded(phrase: str) -> str:
    """Bytes that are no UTF-8 reach a program as lone surrogates, which no tokenizer takes."""
    try:
        phrase.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadPhraseError(
            f"The phrase {phrase!r} is not valid UTF-8. Set the terminal to UTF-8."
        ) from error
    return phrase
