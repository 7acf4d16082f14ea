"""How a decoder is asked and its attention read, as options of a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.completion import head_sets
from vlmscope.cli.headsets import open_heads

__all__ = ["AttentionReading"]


@dataclass(frozen=True)
class AttentionReading:
    """Heads, prompt, row and post-processing; None: the model's own way."""

    panel: ClassVar[str] = "Method"

    heads: Annotated[
        str | None,
        typer.Option(help="A head file, or heads such as L14H24,L14H13.", autocompletion=head_sets),
    ] = None
    placement: Annotated[
        str | None, typer.Option(help="How the image is fitted: pad or processor.")
    ] = None
    prompt: Annotated[str | None, typer.Option(help="Preset of the prompt: paper or chat.")] = None
    rows: Annotated[str | None, typer.Option(help="Row that is read, such as last_text.")] = None
    post: Annotated[
        str | None,
        typer.Option(
            help="Post-processing as a whole: paper or default; else the model's own.",
            rich_help_panel="Post-processing",
        ),
    ] = None

    def keywords(self) -> dict[str, Any]:
        """Arguments of :func:`vlmscope.ground` and its like, but for ``rows``.

        Raises:
            BadHeadSetError: no such head file.
        """
        heads = None if self.heads is None else open_heads(self.heads)
        keywords = {"heads": heads, "placement": self.placement, "prompt": self.prompt}
        return keywords if self.post is None else {**keywords, "post": self.post}
