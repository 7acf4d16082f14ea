"""The tables of options in docs/methods/, made from the code they describe.

``python docs/building/option_tables.py`` writes them anew; ``tests/docs/test_method_pages.py`` says
when that is due. A table stands between ``<!-- options NAME -->`` and ``<!-- end of options -->``;
NAME is a method's id or a key of ``HOMES``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["HOMES", "PAGES", "Option", "names_in", "options_of", "table", "with_tables"]

PAGES = Path(__file__).parents[1] / "methods"

_HOMES = {
    "discovery": "vlmscope.heads:DiscoveryOptions",
    "attention-flow": "vlmscope.analysis.flow:FlowOptions",
    "knock-out": "vlmscope.analysis.knockout:KnockoutOptions",
    "lighten": "vlmscope.analysis.lighten:LightenOptions",
    "steer": "vlmscope.analysis.steering:SteerOptions",
    "token-grounding": "vlmscope.analysis.tokens:TokenOptions",
    "prompt-ablation": "vlmscope.analysis.prompts:PromptOptions",
    "faithfulness": "vlmscope.analysis.faithfulness:FaithfulnessOptions",
    "compressed-context": "vlmscope:compress_context",
    "hallucination": "vlmscope.analysis.hallucination:HallucinationOptions",
}
HOMES: Mapping[str, str] = MappingProxyType(_HOMES)
"""What is documented beside the methods: a dataclass of options, or a function with keywords."""

_BLOCK = re.compile(r"<!-- options (?P<name>[\w-]+) -->\n.*?<!-- end of options -->", re.DOTALL)


class Option(NamedTuple):
    """One row of a table."""

    name: str
    default: Any
    help: str


def options_of(name: str) -> list[Option]:
    """The options of a method or of something in :data:`HOMES`: its own first, then inherited ones.

    Raises:
        vlmscope.errors.UnknownNameError: nothing of that name.
    """
    if name not in HOMES:
        from vlmscope.methods import get_method

        return list(_of_dataclass(get_method(name).options))
    module, _, home = HOMES[name].partition(":")
    found = getattr(importlib.import_module(module), home)
    return list(_of_dataclass(found) if inspect.isclass(found) else _of_function(found))


def _of_dataclass(kind: type[Any]) -> Iterator[Option]:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    inherited = {name for base in kind.__mro__[1:] for name in getattr(base, "__annotations__", ())}
    for name in sorted(fields, key=lambda each: each in inherited):  # stable: order of the class
        field = fields[name]
        default = field.default
        if default is dataclasses.MISSING:
            default = getattr(field.default_factory, "__name__", "")
        yield Option(name, default, _help(field.metadata, kind, name))


def _help(about: Mapping[str, Any], kind: Any, name: str) -> str:
    text = about.get("help") or _described(kind, name) or "see the API reference"
    choices = ", ".join(about.get("choices", ()))
    return f"{text}. One of: {choices}" if choices else str(text)


def _of_function(function: Callable[..., Any]) -> Iterator[Option]:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            yield Option(name, parameter.default, _described(function, name))


def _described(thing: Any, name: str) -> str:
    """What a docstring says of an argument or attribute; lines may share one: ``a, b: ...``."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    for at, line in enumerate(lines):
        found = re.match(r"(\s+)([\w, ]+): (.*)", line)
        if found and name in found[2].split(", "):
            deeper = found[1] + "  "
            more = []
            for following in lines[at + 1 :]:
                if not following.startswith(deeper):
                    break
                more.append(following.strip())
            return _plain(" ".join([found[3], *more])).rstrip(".")
    return ""


def _plain(text: str) -> str:
    return re.sub(r":\w+:`~?(?:vlmscope\.)?([\w.]+)`", r"`\1`", text).replace("``", "`")


def table(name: str) -> str:
    """The table of options in Markdown, without a line break at its end."""
    rows = [
        f"| `{each.name}` | {_shown(each.default)} | {each.help.replace('|', '&#124;')} |"
        for each in options_of(name)
    ]
    return "\n".join(["| option | default | what it does |", "|---|---|---|", *rows])


def _shown(value: Any) -> str:
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def names_in(text: str) -> list[str]:
    """Names of the tables that a page asks for."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def with_tables(text: str) -> str:
    """A page with its tables as the code has them."""

    def renewed(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- options {name} -->\n\n{table(name)}\n\n<!-- end of options -->"

    return _BLOCK.sub(renewed, text)


def main() -> None:
    """Write every page whose tables have changed."""
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if with_tables(text) != text:
            page.write_text(with_tables(text), encoding="utf-8")


if __name__ == "__main__":
    main()
