"""``vlmscope clip``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.completion import method_names
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.together.attention_reading import AttentionReading
from vlmscope.cli.together.shared_output import SharedOutput
from vlmscope.data.images import MAX_PIXELS
from vlmscope.errors import BadPhraseError

__all__ = ["command"]

MODEL = "tiny-llava"
FRAMES = 8


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the method that ``words`` name."""
    from vlmscope.methods import get_method, methods

    name = peek(words, "--method")
    method = methods()[0] if name is None else get_method(name)
    return with_options(clip, method.options)


def clip(
    *,
    source: Annotated[
        str,
        typer.Argument(
            metavar="CLIP",
            help="A video (extra: video), an animated GIF, WebP or PNG, or a folder of frames.",
            show_default=False,
        ),
    ],
    words: Annotated[
        list[str],
        typer.Argument(metavar="PHRASE...", help="What to find in it.", show_default=False),
    ] = [],  # noqa: B006
    phrase: Annotated[
        list[str],
        typer.Option(
            "--phrase",
            "-p",
            metavar="PHRASE",
            help="The same, as an option.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = [],  # noqa: B006
    frames: Annotated[
        int,
        typer.Option(help="How many frames are taken, evenly.", rich_help_panel="Input"),
    ] = FRAMES,
    way: Annotated[
        str | None,
        typer.Option(
            help="video: the model reads a video; pictures: several images of one prompt. Default: "
            "video in families of which it is known, else pictures.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            help="Frames per second of a folder; else one.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(help="Larger frames are refused.", rich_help_panel="Input")
    ] = MAX_PIXELS,
    options: dict[str, Any],
    model: ModelName = MODEL,
    method: Annotated[
        str | None,
        typer.Option(
            help="One that reads a decoder's attention. Default: localization-heads.",
            show_default=False,
            rich_help_panel="Method",
            autocompletion=method_names,
        ),
    ] = None,
    reading: AttentionReading,
    loading: SizedLoading,
    output: SharedOutput,
) -> int:
    """Find when phrases are in a clip, and where: the share of attention over time, a box per frame.

    Boxes are (x0, y0, x1, y1) in pixels of a frame, times in seconds from the clip's beginning. Shares
    sum to 1 over the clip; even is what a share would be if every token got the same.
    """
    from vlmscope.data.clips import open_clip
    from vlmscope.methods import ground_clip
    from vlmscope.methods.together import check_way

    phrases = [*words, *phrase]
    if not phrases:
        raise BadPhraseError(
            f'There is no phrase. Say what to find: vlmscope clip {source} "a red circle", or with '
            "--phrase."
        )
    # whatever can be wrong without the model is said before a model is loaded
    check_way(way)
    output.check()
    settings = {**reading.keywords(), "rows": reading.rows, **options}
    opened = open_clip(Path(source), frames, fps=fps, max_pixels=max_pixels)
    loaded: Any = loading.model(model)
    return output.deliver(ground_clip(loaded, opened, phrases, way=way, method=method, **settings))
