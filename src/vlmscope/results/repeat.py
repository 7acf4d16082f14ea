"""The lines of Python and of the shell that give a grounding again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding

__all__ = ["CLIP", "IMAGE", "command_of", "python_of"]

IMAGE = "IMAGE"
"""Stands for the path, which no result knows."""

CLIP = "CLIP"
"""Stands for the path of a clip."""

_CHOICES = ("rows", "prompt", "placement")
_OF_THE_SET = ("k", "greedy")  # what they chose is in the list of heads
_OF_CLASSES = ("discount", "refine_pixels", "refine_side")  # a phrase alone is not asked for them


def python_of(grounding: Grounding) -> str:
    """Lines of Python that ground the same phrase again in the image at ``IMAGE``."""
    call, shown = _call(grounding.details)
    options = {**_shown(grounding.details), **_chosen(grounding.details)}
    options |= _options(grounding.details)
    words = "".join(f"    {name}={value!r},\n" for name, value in options.items())
    return (
        "import vlmscope as vs\n\n"
        f"model = vs.load({grounding.model!r})\n"
        f"grounding = vs.{call}(\n    model,\n    {shown!r},\n    {grounding.phrase!r},\n"
        f"    method={grounding.method!r},\n{words})\n"
    )


def command_of(grounding: Grounding) -> str:
    """The command that grounds the same phrase again in the image at ``IMAGE``."""
    call, shown = _call(grounding.details)
    options = {**_shown(grounding.details), **_chosen(grounding.details)}
    options |= _options(grounding.details)
    given = {"model": grounding.model, "method": grounding.method, **options}
    words = [_flag(name, value) for name, value in given.items()]
    phrase = shlex.quote(grounding.phrase)
    if call == "ground_pictures":
        return " ".join(("vlmscope ground", *shown, "--together", f"--phrase {phrase}", *words))
    name = "clip" if call == "ground_clip" else "ground"
    return " ".join((f"vlmscope {name}", str(shown), f"--phrase {phrase}", *words))


def _call(details: Mapping[str, Any]) -> tuple[str, str | list[str]]:
    """The function that gives a grounding, and what stands for its image, images or clip."""
    if "pictures" in details:
        return "ground_pictures", [IMAGE] * int(details["pictures"])
    return ("ground_clip", CLIP) if "way" in details else ("ground", IMAGE)


def _shown(details: Mapping[str, Any]) -> dict[str, Any]:
    """How a clip was shown."""
    names = {"frames": "frames_asked", "way": "way"}
    return {name: details[key] for name, key in names.items() if key in details}


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
