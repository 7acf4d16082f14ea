"""``vlmscope methods``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.completion import method_names
from vlmscope.cli.console import emit, emit_json, emit_table

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return methods


def methods(
    name: Annotated[
        str | None,
        typer.Argument(metavar="METHOD", show_default=False, autocompletion=method_names),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods; with the name of one, its options and their defaults."""
    from vlmscope.methods import get_method
    from vlmscope.methods import methods as registered

    known = registered()
    if name is None:
        if as_json:
            emit_json([{"id": each.id, "summary": each.summary} for each in known])
        else:
            emit_table(("id", "summary"), [(each.id, each.summary) for each in known])
        return
    method = get_method(name)
    listed = _options(method.options)
    if as_json:
        emit_json({"id": name, "summary": method.summary, "options": listed})
        return
    emit(method.summary)
    rows = [(each["option"], _shown(each["default"]), _explained(each)) for each in listed]
    emit_table(("option", "default", "what it does"), rows)


def _shown(default: Any) -> Any:
    """A default as the help of a command writes it."""
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else default


def _explained(option: dict[str, Any]) -> str:
    choices = f". One of: {', '.join(option['choices'])}" if option["choices"] else ""
    return f"{option['help']}{choices}"


def _options(options: type[Any]) -> list[dict[str, Any]]:
    """Every option as JSON values, nested ones in place of the field that holds them."""
    listed: list[dict[str, Any]] = []
    instance = options()
    for field in dataclasses.fields(options):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value):
            listed += _options(type(value))
        else:
            listed.append(
                {
                    "option": field.name,
                    "default": value,
                    "choices": [str(each) for each in field.metadata.get("choices", ())],
                    "help": str(field.metadata.get("help", "")),
                }
            )
    return listed
