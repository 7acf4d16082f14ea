"""``vlmscope reproduce gem``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.loading import Loading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.reproducing import Kept, Limit, Models, deliver, listener, models_of

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with its settings."""
    from vlmscope.reproduce.gem import Settings

    return with_options(reproduce, Settings)


@dataclass(frozen=True)
class Images:
    """What is segmented."""

    panel: ClassVar[str] = "Input"

    root: Annotated[Path, typer.Option(help="Folder of the data set.", show_default=False)]
    data: Annotated[
        str, typer.Option(help="A data set with label maps; see: vlmscope eval --help")
    ] = "coco-panoptic"
    split: Annotated[
        str | None, typer.Option(help="Part of the data set, such as val. Default: the usual one.")
    ] = None
    words: Annotated[
        Path | None,
        typer.Option(help="Word list: JSON of classes and their names. Default: the set's own."),
    ] = None
    partial: Annotated[
        bool, typer.Option("--partial", help="Take a set that is cut short or misses images.")
    ] = False


def reproduce(
    *,
    options: dict[str, Any],
    images: Images,
    limit: Limit = None,
    model: Models,
    kept: Kept,
    loading: Loading,
    printing: Printing,
) -> int:
    """Put the claims of the GEM paper (CVPR 2024) to the test, one by one.

    Projections alone and together, temperatures, iterations against the number of classes in an image,
    depth, normalisation and MLP, all beside one pass of each image; with every score what the paper
    says it comes from: spectral norms, clusters, cosines within objects and with their names. Claims
    about an order are tested on any set, by a paired bootstrap over images; figures only on the paper's
    own. The cost is said before anything is computed. Exit code 1 when images were skipped.
    """
    from vlmscope.data.datasets import open_dataset
    from vlmscope.reproduce.gem import Settings, reproduce_gem

    names = models_of(model, loading.revision)
    settings = collect(Settings, options)
    kept.check()
    data = open_dataset(
        images.data, images.root, images.words, split=images.split, partial=images.partial
    )
    with kept.said():
        result = reproduce_gem(
            names,
            loading.model,
            data,
            settings,
            split=images.split,
            limit=limit,
            folder=kept.out,
            listener=listener(printing),
        )
    return deliver(result, kept, printing)
