"""Command-line options out of dataclasses, so that a new method has its options for free.

Two kinds of dataclass become options. Options of a METHOD: plain dataclasses of the library, whose
fields' metadata gives ``help`` and, for words, ``choices``; only what the user typed is passed on,
for defaults stay where they are decided, in the dataclass or in the model's card. GROUPS of a command:
dataclasses of the command line, whose fields are annotated for typer; a parameter annotated with one
stands for all its options, and the function receives an instance.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

import typer

from vlmscope.cli.panels import METHOD, in_panel
from vlmscope.errors import BadOptionError
from vlmscope.options import plain_type

__all__ = ["collect", "peek", "with_options"]


def with_options(
    function: Callable[..., Any], *kinds: type[Any] | None, without: Collection[str] = ()
) -> Callable[..., Any]:
    """A function as typer takes it: groups spread out, and one more option per field of ``kinds``.

    Options of ``kinds`` that were typed arrive in the parameter ``options`` of ``function``: a
    dictionary by field name. A name that the function or one of its groups has is left to it, those
    in ``without`` are left out, and a name that several of ``kinds`` have becomes one option, as the
    first of them explains it.
    """
    parameters = inspect.signature(function, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: parameter.annotation
        for name, parameter in parameters.items()
        if isinstance(parameter.annotation, type) and dataclasses.is_dataclass(parameter.annotation)
    }
    declared: dict[str, inspect.Parameter] = {}
    for name, parameter in parameters.items():
        if name in groups:
            declared |= _members(groups[name])
        elif name != "options":
            declared[name] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    extra: dict[str, inspect.Parameter] = {}
    for kind in kinds:
        for name, parameter in _parameters(kind).items() if kind is not None else ():
            if name not in declared and name not in without:
                extra.setdefault(name, parameter)

    def called(**values: Any) -> Any:
        typed = {name: values.pop(name) for name in extra}
        for name, group in groups.items():
            fields = [values.pop(field.name) for field in dataclasses.fields(group)]
            values[name] = group(*fields)
        if "options" in parameters:
            values["options"] = {k: v for k, v in typed.items() if v is not None}
        return function(**values)

    shown = [*declared.values(), *extra.values()]
    called.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in shown}
    called.__doc__ = function.__doc__
    called.__name__ = function.__name__
    return called


def collect(kind: type[Any], typed: Mapping[str, Any]) -> Any:
    """An instance of an options dataclass from what the user typed, nested ones included."""
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            nested = typing.cast(type[Any], hints[field.name])
            if any(inner.name in typed for inner in dataclasses.fields(nested)):
                values[field.name] = collect(nested, typed)
        elif field.name in typed:
            values[field.name] = typed[field.name]
    return kind(**values)


def peek(words: Sequence[str], *spellings: str) -> str | None:
    """The value of an option before the command line is parsed; None when it is not there.

    Of an option that is given more than once it is the last, as the parser takes it. Nothing after
    ``--`` is an option.
    """
    value = None
    before = list(words)[: list(words).index("--")] if "--" in words else list(words)
    for index, word in enumerate(before):
        if word in spellings and index + 1 < len(words):
            value = words[index + 1]
        for spelling in spellings:
            long = spelling.startswith("--")
            if long and word.startswith(f"{spelling}="):
                value = word.partition("=")[2]
            elif not long and word.startswith(spelling) and word != spelling:
                value = word[len(spelling) :]  # -mtiny-clip
    return value


def _members(group: type[Any]) -> dict[str, inspect.Parameter]:
    """One keyword-only parameter per field of a group, annotated as the field is."""
    hints = typing.get_type_hints(group, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty
            if field.default is dataclasses.MISSING
            else field.default,
            annotation=in_panel(hints[field.name], getattr(group, "panel", "Options")),
        )
        for field in dataclasses.fields(group)
    }


def _parameters(kind: type[Any]) -> dict[str, inspect.Parameter]:
    """One keyword-only parameter per field; fields that are dataclasses give theirs."""
    hints = typing.get_type_hints(kind)
    parameters: dict[str, inspect.Parameter] = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            parameters.update(_parameters(typing.cast(type[Any], hint)))
        elif field.metadata.get("cli", True) and field.init:
            parameters[field.name] = inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=in_panel(
                    Annotated[_plain(hint, field.name) | None, _option(field, hint)],
                    _panel(kind, field.name),
                ),
            )
    return parameters


def _panel(kind: type[Any], name: str) -> str:
    """The panel of the class that first declared a field: a method may change its default alone."""
    owners = [each for each in kind.__mro__ if name in vars(each).get("__annotations__", {})]
    return str(vars(owners[-1]).get("panel", METHOD))


def _plain(hint: Any, name: str) -> Any:
    """The type that typer reads; ``X | None`` becomes ``X``."""
    kind = plain_type(hint)
    if kind is None:
        raise BadOptionError(
            f"The option {name!r} has the type {hint}, which has no form on the command line. "
            "Declare it with option(..., cli=False)."
        )
    return kind


def _option(field: dataclasses.Field[Any], hint: Any) -> Any:
    dashed = field.name.replace("_", "-")
    flag = _plain(hint, field.name) is bool
    spelling = f"--{dashed}/--no-{dashed}" if flag else f"--{dashed}"
    return typer.Option(spelling, help=_help(field, hint), show_default=False)


def _help(field: dataclasses.Field[Any], hint: Any) -> str:
    text = str(field.metadata.get("help", "")).strip().rstrip(".")
    choices = field.metadata.get("choices") or (
        typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    )
    parts = [text[:1].upper() + text[1:]] if text else []
    if choices:
        parts.append(f"One of: {', '.join(map(str, choices))}")
    default = _default(field)
    parts.append(f"Default: {default}" if default else "")
    return ". ".join(part for part in parts if part).removesuffix(".") + "."


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING or field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return str(field.default)
