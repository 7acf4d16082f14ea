"""``vlmscope heads show``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.completion import head_sets
from vlmscope.cli.console import emit_json
from vlmscope.cli.headsets import open_heads, show_head_set
from vlmscope.errors import BadHeadSetError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return show


def show(
    heads: Annotated[
        str,
        typer.Argument(
            metavar="HEADS",
            help="A head file, or the name of a published set.",
            show_default=False,
            autocompletion=head_sets,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show a head file: the heads and the evidence for them."""
    head_set = open_heads(heads)
    if isinstance(head_set, str):
        raise BadHeadSetError(
            f"{heads} names heads, not a head file, so there is nothing to show. Measure them: "
            f"vlmscope heads verify {heads}"
        )
    if as_json:
        emit_json(head_set.to_dict())
    else:
        show_head_set(head_set)
