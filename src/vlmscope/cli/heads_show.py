"""``vlmscope heads show``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.console import emit_json
from vlmscope.cli.headsets import show_head_set
from vlmscope.types import HeadSet

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return show


def show(
    heads: Annotated[
        str,
        typer.Argument(help="A head file, or the name of a published set.", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Show a head file: the heads and the evidence for them."""
    head_set = _open(heads)
    if as_json:
        emit_json(head_set.to_dict())
    else:
        show_head_set(head_set)


def _open(name: str) -> HeadSet:
    from vlmscope.methods import published_names, published_set

    return published_set(name) if name in published_names() else HeadSet.load(name)
