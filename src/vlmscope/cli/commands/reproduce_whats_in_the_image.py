"""``vlmscope reproduce whats-in-the-image``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.reproducing import Kept, Limit, deliver, listener

if TYPE_CHECKING:
    from vlmscope.data.datasets.mme import MmeSet

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the settings of the study."""
    from vlmscope.reproduce.whats_in_the_image import Settings

    return with_options(reproduce, Settings)


@dataclass(frozen=True)
class Images:
    """What is described, and what is asked."""

    panel: ClassVar[str] = "Input"

    root: Annotated[
        Path,
        typer.Option(
            help="Folder of COCO's: panoptic.json, panoptic/ and images/, or instances and images.",
            show_default=False,
        ),
    ]
    split: Annotated[
        str | None, typer.Option(help="Of instances: val2017 finds instances_val2017.json.")
    ] = None
    mme: Annotated[
        Path | None,
        typer.Option(help="Folder of MME; without it the claims on MME stay undecided."),
    ] = None
    objects: Annotated[
        str | None,
        typer.Option(
            help="By which objects are known: coco, shapes, or a file with 'name: other word, ...' "
            "lines. Default: what fits the folder's categories."
        ),
    ] = None
    partial: Annotated[
        bool, typer.Option("--partial", help="Take an MME that misses categories or pictures.")
    ] = False


def reproduce(
    *,
    options: dict[str, Any],
    model: ModelName,
    images: Images,
    limit: Limit = None,
    kept: Kept,
    loading: SizedLoading,
    printing: Printing,
) -> int:
    """Hold the claims of "What's in the Image?" against a model, one by one.

    Attention by layer, objects that a description still names under knock-outs, with a few of the
    image tokens and without parts of its prompt, words on their objects, MME from compressed contexts.
    The cost is said before anything is computed. A claim is undecided on fewer images than the paper
    has, and on another model, unless it is stated by relative depth. Exit code 1 when images were
    skipped.
    """
    from vlmscope.reproduce.whats_in_the_image import (
        Settings,
        Study,
        object_words,
        open_images,
        spread,
    )

    settings = collect(Settings, options)
    kept.check()
    data = open_images(images.root, images.split)
    words = object_words(data, images.objects)
    spread(data, limit)  # a wrong limit is said before a model is loaded
    mme = None if images.mme is None else _mme(images.mme, images.partial)
    study = Study(
        loading.decoder(model),
        data,
        words,
        mme=mme,
        settings=settings,
        limit=limit,
        progress=not printing.quiet,
    )
    waiting = listener(printing)
    waiting.costs(model, study.costs)
    with kept.said():
        result = study.run(kept.out, waiting.say)
    return deliver(result, kept, printing)


def _mme(root: Path, partial: bool) -> MmeSet:
    from vlmscope.data.datasets import open_dataset
    from vlmscope.data.datasets.mme import MmeSet

    data = open_dataset("mme", root, partial=partial)
    assert isinstance(data, MmeSet)  # what its kind opens
    return data
