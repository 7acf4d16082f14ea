"""``vlmscope methods``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.console import emit, emit_json, emit_table

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return methods


def methods(
    name: Annotated[str | None, typer.Argument(metavar="METHOD", show_default=False)] = None,
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
    rows = _rows(method.options)
    if as_json:
        fields = ("option", "default", "help")
        options = [dict(zip(fields, row, strict=True)) for row in rows]
        emit_json({"id": name, "summary": method.summary, "options": options})
        return
    emit(method.summary)
    emit_table(("option", "default", "what it does"), rows)


def _rows(options: type[Any]) -> list[tuple[str, Any, str]]:
    """(name, default, help) of every option, nested ones in place of the field that holds them."""
    rows: list[tuple[str, Any, str]] = []
    instance = options()
    for field in dataclasses.fields(options):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value):
            rows += _rows(type(value))
        else:
            rows.append((field.name, value, str(field.metadata.get("help", ""))))
    return rows
