"""``vlmscope daam``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.loading import Loading, named, silence
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_picture, save_picture
from vlmscope.cli.results import Output
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(daam)


def daam(
    *,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What is drawn.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]...",
            help="Words of the prompt, or several in a row in quotes; default: every word.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="PIPELINE",
            help="Hub id or folder of a text-to-image pipeline with a U-Net, in the format of diffusers.",
            rich_help_panel="Model",
        ),
    ],
    steps: Annotated[int, typer.Option(help="Of the scheduler.", rich_help_panel="Method")] = 30,
    seed: Annotated[
        int, typer.Option(help="Of the noise that it begins with.", rich_help_panel="Method")
    ] = 0,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="Of the picture in pixels, for example 512x768; default: the pipeline's own.",
            rich_help_panel="Method",
        ),
    ] = None,
    negative: Annotated[
        str | None,
        typer.Option(help="What is kept out of the picture.", rich_help_panel="Method"),
    ] = None,
    guidance: Annotated[
        float,
        typer.Option(
            help="Scale of classifier-free guidance; 1 or less: none.", rich_help_panel="Method"
        ),
    ] = 7.5,
    middle: Annotated[
        bool,
        typer.Option(
            "--middle",
            help="Read the middle block too, whose maps are the coarsest.",
            rich_help_panel="Method",
        ),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the picture as it was drawn here.", rich_help_panel="Output"),
    ] = None,
    overlays: Annotated[
        Path | None,
        typer.Option(
            help="Write the picture with the map of each word, side by side, here.",
            rich_help_panel="Output",
        ),
    ] = None,
    loading: Loading,
    output: Output,
) -> int:
    """Draw a picture from a prompt, and show where each word of it was read (DAAM).

    The maps are of the picture that is drawn, not of a photograph: a model that draws is asked where it
    put a word. Needs the extra: diffusion.
    """
    from vlmscope.diffusion import draw_words

    output.check()
    check_picture(picture)
    check_picture(overlays)
    drawn = draw_words(
        _pipeline(model, loading),
        prompt,
        steps=steps,
        seed=seed,
        size=_size(size),
        negative=negative,
        guidance=guidance,
        middle=middle,
        progress=not output.quiet,
    )
    chosen = tuple(words) if words else drawn.words
    found = [drawn.ground(word) for word in chosen]
    if picture is not None:
        from PIL import Image

        save_picture(Image.fromarray(drawn.image), picture)
    if overlays is not None:
        from vlmscope.results.drawing import side_by_side

        save_picture(side_by_side(found), overlays)
    output.deliver(
        drawn.to_dict(chosen),
        drawn.table(chosen),
        lambda: drawn.view(chosen),
        drawn.to_dict(chosen)["words"],
        "Box: xyxy pixels of the drawn picture. Score: attention to the word at its highest place, summed "
        "over steps. A map of a generated picture, not of a photograph.",
    )
    return 0


def _pipeline(name: str, loading: Loading) -> Any:
    from vlmscope.diffusion import load_pipeline

    silence()
    return load_pipeline(
        named(name),
        dtype=loading.dtype,
        device=loading.device,
        revision=loading.revision,
        trust_remote_code=loading.trust_remote_code,
    )


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise BadOptionError(
            f"--size takes HEIGHTxWIDTH in pixels, for example 512x768, got {text!r}."
        )
    return int(height), int(width)
