"""``vlmscope reproduce localization-heads``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.loading import SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.reproducing import Kept, Models, deliver, listener, models_of

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.reproduce.localization_heads import Scope

    return with_options(reproduce, Scope)


def reproduce(
    *,
    options: dict[str, Any],
    root: Annotated[
        Path,
        typer.Option(
            help="Folder that holds the folders refcoco, refcoco+, refcocog, reasonseg, or some.",
            rich_help_panel="Input",
            show_default=False,
        ),
    ],
    model: Models,
    sam: Annotated[
        str | None,
        typer.Option(
            help="A SAM that draws the masks, as in the paper: hub id or folder. Without one no claim "
            "about masks is decided.",
            rich_help_panel="Method",
            show_default=False,
        ),
    ] = None,
    kept: Kept,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Put the claims of the localization-heads paper (CVPR 2025) to the test, one by one.

    Heads are discovered on the train split of refcoco, verified, and scored on every split that is there;
    then prompts, placements and ablations. The cost is said before anything is computed. A claim is
    confirmed where the interval holds the published value, refuted where it lies wholly below, and
    undecided on anything but the whole split and the paper's own model. Exit code 1 when images were
    skipped.
    """
    from vlmscope.reproduce.localization_heads import Scope, reproduce_localization_heads

    names = models_of(model, loading.revision)
    kept.check()
    refiner = None if sam is None else loading.refiner(sam)
    with kept.said():
        result = reproduce_localization_heads(
            names,
            loading.decoder,
            root,
            collect(Scope, options),
            folder=kept.out,
            refiner=refiner,
            listener=listener(printing),
        )
    return deliver(result, kept, printing)
