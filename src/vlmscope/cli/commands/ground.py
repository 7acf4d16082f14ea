"""``vlmscope ground``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import (
    AsJson,
    Device,
    Dtype,
    MaxPixels,
    MaxSide,
    ModelName,
    Quiet,
    Revision,
    TrustRemoteCode,
    load_model,
    load_refiner,
)
from vlmscope.cli.commands.ground_all import corners, report_comparison, write_comparison
from vlmscope.cli.commands.say import check_say
from vlmscope.cli.commands.say import say as compare
from vlmscope.cli.console import emit_json, emit_table, note, warn
from vlmscope.cli.headsets import open_heads
from vlmscope.cli.model_kind import named_methods
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.places import check_picture, picture_name, save_picture
from vlmscope.data.images import MAX_PIXELS, OpenedImage, open_image
from vlmscope.errors import BadPhraseError
from vlmscope.results import Grounding

if TYPE_CHECKING:
    from PIL import Image

    from vlmscope.methods import Method

__all__ = ["command"]

ALL = "all"
MODEL = "tiny-llava"


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the methods that ``words`` name."""
    return with_options(ground, *(method.options for method in _methods(words)))


def _methods(words: list[str]) -> tuple[Method, ...]:
    """Those that will run: the one named, all of the model's, or else the model's first."""
    from vlmscope.methods import get_method

    name = peek(words, "--method")
    if name is not None and name != ALL:
        return (get_method(name),)
    suited = named_methods(words, MODEL)
    return suited if name == ALL else suited[:1]


def ground(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="The image file.", show_default=False)
    ],
    phrases: Annotated[
        list[str], typer.Argument(metavar="PHRASE", help="What to find.", show_default=False)
    ],
    options: dict[str, Any],
    model: ModelName = MODEL,
    method: Annotated[
        str | None,
        typer.Option(
            help="See: vlmscope methods. 'all': every method that runs on the model, side by side. "
            "Default: the first of them.",
            show_default=False,
        ),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(help="A head file, or heads such as L14H24,L14H13."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write an overlay; into a folder: one per phrase."),
    ] = None,
    placement: Annotated[
        str | None, typer.Option(help="How the image is fitted: pad or processor.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="Preset of the prompt: paper or chat.")] = None,
    rows: Annotated[str | None, typer.Option(help="Row that is read, such as last_text.")] = None,
    post: Annotated[
        str | None,
        typer.Option(help="Post-processing as a whole: paper or default; else the model's own."),
    ] = None,
    refine: Annotated[
        str | None,
        typer.Option(
            metavar="SAM",
            help="Let SAM draw the masks, prompted by the boxes: hub id or folder.",
            show_default=False,
        ),
    ] = None,
    shared_scale: Annotated[
        bool, typer.Option("--shared-scale", help="One colour scale for all phrases in --out.")
    ] = False,
    arrays: Annotated[
        bool, typer.Option("--arrays", help="Put the score maps into the JSON.")
    ] = False,
    say: Annotated[
        bool,
        typer.Option(
            "--say", help="Let the model write its own boxes and compare them with where it looked."
        ),
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
    dtype: Dtype = None,
    device: Device = None,
    revision: Revision = None,
    trust_remote_code: TrustRemoteCode = False,
    max_side: MaxSide = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Find phrases in an image: box, peak and score on stdout, an overlay on request.

    Boxes are (x0, y0, x1, y1) in pixels of the upright image. Options of another method show with
    --method NAME --help. Exit code 1 when --method all had to leave one out.
    """
    from vlmscope.methods import compare_methods
    from vlmscope.methods import ground as find
    from vlmscope.models import Prompt

    # whatever can be wrong without the model is said before a model is loaded
    asked = [Prompt.of(_decoded(phrase)) for phrase in phrases]
    check_picture(out)
    if say:
        other = method if method != "localization-heads" else None
        clash: dict[str, Any] = {"--method": other, "--rows": rows, "--refine": refine}
        clash |= {"--shared-scale": shared_scale, "--arrays": arrays}
        check_say(out, len(asked), clash)
    opened = open_image(image, max_pixels=max_pixels)
    given = None if heads is None else open_heads(heads)
    sam = None if refine is None else load_refiner(refine, dtype, device)
    loaded: Any = load_model(model, dtype, device, revision, trust_remote_code, max_side)
    settings = options if post is None else {"post": post, **options}
    if say:
        how = {"heads": given, "placement": placement, "prompt": prompt, **settings}
        compare(loaded, opened, asked, out, picture_name, as_json, quiet, **how)
        return 0
    about: Any = (given, placement, prompt, rows, sam)
    if method == ALL:
        compared = compare_methods(loaded, opened, asked, None, *about, **settings)
        written = [] if out is None else write_comparison(compared, out)
        return report_comparison(opened, compared, written, as_json, arrays, quiet)
    found = find(loaded, opened, asked, method, *about, **settings)
    written = [] if out is None else _write(found, out, shared_scale)
    _report(opened, found, written, as_json, arrays, quiet)
    return 0


def _decoded(phrase: str) -> str:
    """Bytes that are no UTF-8 reach a program as lone surrogates, which no tokenizer takes."""
    try:
        phrase.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadPhraseError(
            f"The phrase {phrase!r} is not valid UTF-8. Set the terminal to UTF-8."
        ) from error
    return phrase


def _report(
    opened: OpenedImage,
    found: Sequence[Grounding],
    written: Sequence[Path],
    as_json: bool,
    arrays: bool,
    quiet: bool,
) -> None:
    if as_json:
        emit_json(
            {
                "image": opened.name,
                "notes": list(opened.notes),
                "groundings": [grounding.to_dict(arrays) for grounding in found],
                "written": [str(path) for path in written],
            }
        )
    else:
        rows = [(g.phrase, *corners(g), g.score) for g in found]
        columns = ("phrase", "x0", "y0", "x1", "y1", "peak x", "peak y", "score")
        emit_table(columns, rows)
        for phrase in (g.phrase for g in found if g.box is None):
            warn(f"{phrase!r}: nothing lights up, so there is no box.")
    for text in dict.fromkeys(warning for grounding in found for warning in grounding.warnings):
        warn(text)
    if quiet:
        return
    for text in opened.notes:
        note(f"image: {text}")
    for path in written:
        note(f"wrote {path}")


def _write(found: Sequence[Grounding], out: Path, shared_scale: bool) -> list[Path]:
    """One picture of all phrases, or in a folder one for each."""
    from vlmscope.results import side_by_side

    if out.suffix and not out.is_dir():
        one = len(found) == 1
        picture = _overlay(found[0]) if one else side_by_side(found, shared_scale=shared_scale)
        save_picture(picture, out)
        return [out]
    paths = [out / picture_name(index, g.phrase) for index, g in enumerate(found, start=1)]
    for grounding, path in zip(found, paths, strict=True):
        save_picture(_overlay(grounding), path)
    return paths


def _overlay(grounding: Grounding) -> Image.Image:
    # small pictures are enlarged so that the letters can be read
    return grounding.overlay(min_side=480)
