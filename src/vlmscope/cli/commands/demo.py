"""``vlmscope demo``."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json, note
from vlmscope.cli.headsets import show_head_set
from vlmscope.cli.loading import Loading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_folder, check_place, save_picture

__all__ = ["command"]

MODEL = "tiny-llava"


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.demo import DemoOptions

    return with_options(demo, DemoOptions)


def demo(
    *,
    options: dict[str, Any],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Folder to write into.", rich_help_panel="Output"
        ),
    ] = Path("vlmscope-demo"),
    printing: Printing,
) -> None:
    """See it all in two minutes, offline: discover, verify, ground, one page.

    Uses the model that ships inside. Writes index.html, which needs nothing else, heads.json and
    scene.png, to go on with.
    """
    import torch
    from PIL import Image

    from vlmscope.demo import DemoOptions, tell, write_page

    page, heads, scene = out / "index.html", out / "heads.json", out / "scene.png"
    settings = collect(DemoOptions, options)
    check_folder(out)
    check_place(page)
    # a model this small gains nothing from a second thread, and two threads on two cores that
    # anything else uses run at a twentieth of the speed of one
    torch.set_num_threads(1)
    model = Loading().decoder(MODEL)
    say = (lambda text: None) if printing.quiet else note
    story = tell(model, settings, progress=not printing.quiet, say=say)
    story.heads.save(heads)
    save_picture(Image.fromarray(story.hero.sample.image), scene)
    write_page(story, page)
    if printing.as_json:
        emit_json(
            {
                "page": str(page),
                "heads": str(heads),
                "seconds": story.seconds,
                "set": [str(head) for head in story.heads.heads],
                "evidence": story.heads.to_dict()["evidence"],
            }
        )
        return
    show_head_set(story.heads)
    emit("")
    emit(f"Open {page.resolve().as_uri()}")
    phrase = shlex.quote(story.hero.sample.phrase)
    then = f"ground {scene} {phrase} --heads {heads} --out {out / 'overlay.png'}"
    note(f"Then: {_program()} {then}")


def _program() -> str:
    """How to call vlmscope from here: the virtual environment of `make demo` is not active."""
    called = Path(sys.argv[0])
    if shutil.which("vlmscope"):
        return "vlmscope"
    return str(called) if called.name == "vlmscope" else "python -m vlmscope"
