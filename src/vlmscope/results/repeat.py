"""The lines of Python and of the shell that give a grounding again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding

__all__ = ["IMAGE", "command_of", "python_of"]

IMAGE = "IMAGE"
"""Stands for the path, which no result knows."""

_CHOICES = ("rows", "prompt", "placement")
_OF_THE_SET = ("k", "greedy")  # what they chose is in the list of heads
_OF_CLASSES = ("discount", "refine_pixels", "refine_side")  # a phrase alone is not asked for them


def python_of(grounding: Grounding) -> str:
    """Lines of Python that ground the same phrase again in the image at ``IMAGE``."""
    options = {**_chosen(grounding.details), **_options(grounding.details)}
    words = "".join(f"    {name}={value!r},\n" for name, value in options.items())
    return (
        "import vlmscope as vs\n\n"
        f"model = vs.load({grounding.model!r})\n"
        f"grounding = vs.ground(\n    model,\n    {IMAGE!r},\n    {grounding.phrase!r},\n"
        f"    method={grounding.method!r},\n{words})\n"
    )


def command_of(grounding: Grounding) -> str:
    """The command that grounds the same phrase again in the image at ``IMAGE``."""
    options = {**_chosen(grounding.details), **_options(grounding.details)}
    given = {"model": grounding.model, "method": grounding.method, **options}
    words = [_flag(name, value) for name, value in given.items()]
    phrase = shlex.quote(grounding.phrase)
    return " ".join(("vlmscope ground", IMAGE, f"--phrase {phrase}", *words))


def _flag(name: str, value: Any) -> str:
    name = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {shlex.quote(value if isinstance(value, str) else json.dumps(value))}"


def _chosen(details: Mapping[str, Any]) -> dict[str, Any]:
    """What was read: heads, row, prompt, placement."""
    chosen = {name: details[name] for name in _CHOICES if isinstance(details.get(name), str)}
    heads = details.get("heads")
    return {"heads": ",".join(heads), **chosen} if heads else chosen


def _options(details: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the method and of the post-processing, all of them: a model has defaults of its own."""
    recorded = details.get("options", details.get("post", {}))
    left_out = (*_OF_CLASSES, *(_OF_THE_SET if details.get("heads") else ()))
    return {
        name: value
        for name, value in recorded.items()
        if name not in left_out and isinstance(value, str | int | float)
    }
