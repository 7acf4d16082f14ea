"""How a result is had again outside the app: as Python, and as a command."""

from __future__ import annotations

import shlex
from typing import Any

from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.types import Head

__all__ = ["ground_recipe"]

_PICTURE = "picture.png"


def ground_recipe(
    model: LoadedModel | DualEncoder, phrase: str, method: str, heads: Any
) -> dict[str, str]:
    """Of one phrase: ``python`` and ``command``.

    Args:
        model: that it was asked of.
        phrase: as it was typed.
        method: that ran.
        heads: that were chosen in the app, as (layer, head) pairs; None: none were.
    """
    chosen = None if heads is None else [Head(*pair) for pair in heads]
    more = "" if chosen is None else f", heads={[tuple(head) for head in chosen]}"
    python = (
        "import vlmscope as vs\n\n"
        f"model = vs.load({model.id!r})\n"
        f"g = vs.ground(model, {_PICTURE!r}, {phrase!r}, method={method!r}{more})\n"
    )
    words = ["vlmscope", "ground", _PICTURE, "-p", phrase, "--model", model.id, "--method", method]
    if chosen is not None:
        words += ["--heads", ",".join(map(str, chosen))]
    return {"python": python, "command": shlex.join(words)}
